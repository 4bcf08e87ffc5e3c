import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { orthancInstalled } from '../peers/orthanc.ts';
import { freePorts } from '../peers/ports.ts';
import { ROOT } from './compose.ts';
import { film } from './daemon.ts';

/** The commands of a guide, in order: its blocks marked as sh. */
function commandsOf(guide: string): string {
  return [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block).join('\n');
}

test('docs/install.md works as it is written, from an empty machine to the result at the RIS', async (t) => {
  if (!orthancInstalled() || !existsSync('/etc/orthanc')) return t.skip('Orthanc is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'dh-install-'));
  const [orthanc = 0, dicom = 0, service = 0, mllp = 0, page = 0] = await freePorts(5);
  // The checkout of the guide: ours, in a folder where the film lies and nothing is left behind.
  const checkout = join(folder, 'checkout');
  await mkdir(checkout);
  for (const name of await readdir(ROOT)) {
    if (name !== 'data') await symlink(join(ROOT, name), join(checkout, name));
  }
  await writeFile(join(checkout, 'film.dcm'), film(815));
  // Debian's own configuration of Orthanc, with folders and ports of this test.
  const etc = join(folder, 'etc-orthanc');
  await cp('/etc/orthanc', etc, { recursive: true });
  await mkdir(join(folder, 'db'));
  const orthancJson = readFileSync(join(etc, 'orthanc.json'), 'utf8');
  await writeFile(
    join(etc, 'orthanc.json'),
    orthancJson
      .replaceAll('/var/lib/orthanc/db-v6', join(folder, 'db'))
      .replace('"/usr/share/orthanc/plugins/"', '"/usr/share/orthanc/plugins/libOrthancDicomWeb.so"')
      .replace('"HttpPort" : 8042', `"HttpPort" : ${orthanc}`)
      .replace('"DicomPort" : 4242', `"DicomPort" : ${dicom}`),
  );

  // What belongs to the whole machine is played; everything else runs as it stands.
  const machine = `
    set -euo pipefail
    cd ${checkout}
    sudo() { "$@"; }
    apt-get() { :; }
    npm() { test "$*" = ci; }
    systemctl() {
      test "$*" = "restart orthanc"
      (/usr/sbin/Orthanc ${etc} > ${folder}/orthanc.log 2>&1 & echo $! > ${folder}/orthanc.pid)
      until curl -s -o /dev/null http://127.0.0.1:${orthanc}/; do sleep 0.2; done
    }
    # The guide's jobs are killed by their number, which scripts have only on request.
    set -m
  `;
  const ports: readonly (readonly [RegExp, number])[] = [
    [/\b8042\b/g, orthanc],
    [/\b8104\b/g, service],
    [/\b2575\b/g, mllp],
    [/\b8090\b/g, page],
  ];
  const guide = ports.reduce(
    (text, [usual, ours]) => text.replace(usual, String(ours)),
    commandsOf(readFileSync(join(ROOT, 'docs/install.md'), 'utf8')).replaceAll('/etc/orthanc', etc),
  );
  // The guide keeps to the default port, which may be taken here.
  const script = guide
    .replace(/^ledger: /m, `server: { port: ${service} }\nmodel: { threads: 1 }\nledger: `)
    .replace('main.ts &', 'main.ts > /dev/null &')
    .replace(/^HTTP_PORT=/m, `MLLP_PORT=${mllp} HTTP_PORT=`);

  const child = spawn('/bin/bash', ['-c', machine + script], {
    env: {
      ...process.env,
      HOME: folder,
      PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`,
      npm_config_update_notifier: 'false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const late = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), 240_000);
  const [status] = await once(child, 'close');
  clearTimeout(late);
  try {
    assert.equal(status, 0, said.slice(-4000));
    assert.match(said, /AI report to read/);
    assert.match(said, /AI coded result/);
    assert.match(said, /ORU\^R01\^ORU_R01/);
  } finally {
    const pid = Number(readFileSync(join(folder, 'orthanc.pid'), 'utf8'));
    process.kill(pid, 'SIGTERM');
    while (existsSync(`/proc/${pid}`) && !/State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await rm(folder, { recursive: true, force: true });
  }
});
