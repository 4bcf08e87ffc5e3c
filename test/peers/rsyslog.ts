import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from './certificates.ts';
import { freePort } from './ports.ts';
import { stopProcess, until } from './process.ts';

const BINARY = '/usr/sbin/rsyslogd';

/** Whether a real rsyslog with TLS can run here. */
export function rsyslogInstalled(): boolean {
  return existsSync(BINARY) && existsSync('/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so');
}

/** A syslog collector over TLS that asks for a client certificate of the same authority. */
export interface Rsyslog {
  readonly port: number;
  /** Every message so far, as it came, over restarts. */
  received(): Promise<readonly string[]>;
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes a collector; it does not run before `start`. */
export async function makeRsyslog(server: Certificate, authority: Certificate): Promise<Rsyslog> {
  const folder = await mkdtemp(join(tmpdir(), 'rsyslog-'));
  const port = await freePort();
  const [file, config] = [join(folder, 'messages'), join(folder, 'rsyslog.conf')];
  await writeFile(
    config,
    `global(workDirectory="${folder}" maxMessageSize="256k" parser.escapeControlCharactersOnReceive="off"
  DefaultNetstreamDriverCAFile="${authority.certPath}" DefaultNetstreamDriverCertFile="${server.certPath}"
  DefaultNetstreamDriverKeyFile="${server.keyPath}")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="${file}" template="raw" asyncWriting="off" flushOnTXEnd="on")
`,
  );
  let child: ChildProcess | undefined;
  const halt = async () => {
    if (child !== undefined) await stopProcess(child);
    child = undefined;
  };
  return {
    port,
    async received() {
      const text = await readFile(file, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
    halt,
    async start() {
      child = spawn(BINARY, ['-n', '-f', config, '-i', join(folder, 'pid')], { stdio: 'ignore' });
      await until('rsyslog listens', () => isOpen(port));
    },
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
