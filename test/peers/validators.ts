/**
 * The independent judges of our DICOM objects: dicom3tools (dciodvfy, dcentvfy), DCMTK (dsrdump, dsr2html) and
 * PixelMed's template check. Each sees what the others miss; none of them tells by its exit code alone.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The programs that are not installed, for `t.skip`. */
export function missingValidators(): string[] {
  return [
    '/usr/bin/dciodvfy',
    '/usr/bin/dcentvfy',
    '/usr/bin/dsrdump',
    '/usr/bin/dsr2html',
    '/usr/bin/java',
    '/usr/share/java/pixelmed.jar',
  ].filter((file) => !existsSync(file));
}

interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function output(command: string, args: readonly string[]): Promise<Output> {
  try {
    const { stdout, stderr } = await run(command, [...args], { maxBuffer: 64 * 1024 * 1024 });
    return { status: 0, stdout, stderr };
  } catch (failure) {
    const { code, stdout, stderr } = failure as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw failure;
    return { status: code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

/**
 * Warnings of dciodvfy that stand for rules newer than the tool, for our local scheme, and for what a film
 * may lack.
 */
const KNOWN_WARNINGS = [
  /needed to build DICOMDIR/,
  /\(0x0018,0x1002\) UI Device UID/,
  /this is a Standard Extended SOP Class/,
  /Unrecognized defined term <(99DEEPHEALTH|2\.25\.\d+)> for value 1 of attribute <Coding Scheme (Designator|UID)>/,
];

/** What dciodvfy says of a file: the IOD it took it for, its errors, and the warnings that are not known. */
export async function dciodvfy(file: string) {
  const { status, stdout, stderr } = await output('/usr/bin/dciodvfy', [file]);
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^error/i.test(line));
  if (status !== 0 && errors.length === 0) errors.push(`Error - dciodvfy ended with ${status}`);
  return {
    iod: lines.find((line) => /^[A-Za-z0-9]+$/.test(line)) ?? '',
    errors,
    warnings: lines.filter(
      (line) => /^warning/i.test(line) && !KNOWN_WARNINGS.some((known) => known.test(line)),
    ),
  };
}

/**
 * Notes of dcentvfy that are about no contradiction: it counts Accession Number to the series in some IODs
 * and to the study in others, and a film may lack what a DICOMDIR wants.
 */
const KNOWN_NOTES = [
  /Different information entities for attribute - Element=<(IssuerOf)?AccessionNumber(Sequence)?>/,
  /needed to build DICOMDIR/,
];

/** What contradicts itself among the files of one study; empty when nothing does. */
export async function dcentvfy(files: readonly string[]): Promise<string[]> {
  const { stdout, stderr } = await output('/usr/bin/dcentvfy', files);
  return `${stdout}\n${stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '' && !KNOWN_NOTES.some((known) => known.test(line)));
}

/** The tree of an SR as text, one item a line, values whole. Throws when DCMTK cannot read it. */
export async function dsrdump(file: string): Promise<string> {
  const { status, stdout, stderr } = await output('/usr/bin/dsrdump', ['+Pl', '+U8', '+Pc', file]);
  if (status !== 0) throw new Error(`dsrdump ended with ${status}: ${stderr}`);
  return stdout;
}

/** The SR as the HTML page that many PACS show. */
export async function dsr2html(file: string): Promise<string> {
  const { status, stdout, stderr } = await output('/usr/bin/dsr2html', ['+U8', file]);
  if (status !== 0) throw new Error(`dsr2html ended with ${status}: ${stderr}`);
  return stdout;
}

const PIXELMED = [
  '-Djava.awt.headless=true',
  '-Xss16m',
  '-Xmx1g',
  // The rules are too large for the XPath limits of a current JVM.
  '-Djdk.xml.xpathExprOpLimit=0',
  '-Djdk.xml.xpathTotalOpLimit=0',
  '-Djdk.xml.xpathExprGrpLimit=0',
  '-cp',
  ['pixelmed', 'slf4j-api', 'slf4j-jdk14', 'commons-codec']
    .map((name) => `/usr/share/java/${name}.jar`)
    .join(':'),
];

const BATCH = fileURLToPath(new URL('ValidateReports.java', import.meta.url));

/** What PixelMed found in one SR, line by line. */
export interface TemplateCheck {
  readonly lines: readonly string[];
  /** Lines that start with Error: or Warning:. */
  readonly complaints: readonly string[];
  /** The root template was found and checked, and so was the IOD. */
  readonly complete: boolean;
}

/**
 * PixelMed's DicomSRValidator over SRs, by file. Compiling its rules takes 10 s, so all files go through one
 * JVM where the machine has a Java compiler, else through one JVM each.
 */
export async function pixelmed(files: readonly string[]): Promise<Map<string, TemplateCheck>> {
  const found = new Map<string, TemplateCheck>();
  if (existsSync('/usr/bin/javac')) {
    const { stdout, stderr } = await output('/usr/bin/java', [...PIXELMED, BATCH, ...files]);
    for (const part of stdout.split(/^=== /m).slice(1)) {
      const [file = '', ...lines] = part.split('\n');
      found.set(file, templateCheck(lines));
    }
    if (found.size !== files.length) throw new Error(`PixelMed stopped early: ${stderr.slice(0, 2000)}`);
    return found;
  }
  for (const file of files) {
    const options = ['-checkcontentitemorder', '-checktemplateid'];
    const args = [...PIXELMED, 'com.pixelmed.validate.DicomSRValidator', ...options, file];
    const { stdout, stderr } = await output('/usr/bin/java', args);
    found.set(file, templateCheck(`${stdout}\n${stderr}`.split('\n')));
  }
  return found;
}

function templateCheck(lines: readonly string[]): TemplateCheck {
  const says = (start: string) => lines.some((line) => line.startsWith(start));
  return {
    lines,
    complaints: lines.filter((line) => /^(error|warning):/i.test(line)),
    complete:
      says('Found Root Template TID_1500') &&
      says('Root Template Validation Complete') &&
      says('IOD validation complete'),
  };
}
