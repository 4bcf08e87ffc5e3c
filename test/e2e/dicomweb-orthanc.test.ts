import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { phantomFile } from '../../src/dicom/phantom/file.ts';
import { createDicomWebClient, type DicomWebClient } from '../../src/dicom/web/client.ts';
import { identityOf } from '../../src/dicom/web/identity.ts';
import type { ReceivedInstance, StowReceipt } from '../../src/dicom/web/receive.ts';
import { handleStow } from '../../src/dicom/web/receive-http.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { run, until } from '../peers/process.ts';

const skip = orthancInstalled() ? false : 'Orthanc is not installed';

const SMALL = { width: 192, height: 160 } as const;

/** A small phantom with UIDs of its own; two numbers make a study and an instance. */
function film(study: number, instance: number, more: Parameters<typeof phantomFile>[0] = {}): Buffer {
  const root = `2.25.${1000 + study}`;
  const uids = { study: root, series: `${root}.1`, instance: `${root}.1.${instance}` };
  return Buffer.from(phantomFile({ ...SMALL, seed: study, uids, ...more }));
}

/** A Secondary Capture, which is no film. */
const CAPTURE: Parameters<typeof phantomFile>[0] = {
  kind: 'SC',
  attributes: { '00080060': { vr: 'CS', Value: ['OT'] } },
};

function referenceOf(file: Uint8Array) {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = identityOf(file);
  return { studyInstanceUid, seriesInstanceUid, sopInstanceUid };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function clientOf(orthanc: Orthanc, more: Partial<Parameters<typeof createDicomWebClient>[0]> = {}) {
  return createDicomWebClient({
    name: 'pacs',
    url: orthanc.url,
    auth: { kind: 'basic', username: orthanc.username, password: orthanc.password },
    ...more,
  });
}

describe('DICOMweb client against Orthanc', { skip }, () => {
  let orthanc: Orthanc;
  let client: DicomWebClient;
  let folder: string;
  before(async () => {
    orthanc = await startOrthanc();
    client = clientOf(orthanc);
    folder = await mkdtemp(join(tmpdir(), 'films-'));
  });
  after(async () => {
    await client.close();
    await orthanc.stop();
    await rm(folder, { recursive: true });
  });

  async function store(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    await orthanc.storeScu([path]);
  }

  it('an empty archive gives no studies, and the check passes', async () => {
    await client.check();
    assert.deepEqual(await client.searchStudies({ from: '20260101', to: '20261231' }), []);
  });

  it('wrong credentials and a wrong root are told apart', async () => {
    const wrong = clientOf(orthanc, { auth: { kind: 'basic', username: 'pacs-user', password: 'no' } });
    await assert.rejects(wrong.check(), { code: 'web.unauthorized' });
    await wrong.close();
    const elsewhere = clientOf(orthanc, { url: `${orthanc.restUrl}/nothing-here` });
    await assert.rejects(elsewhere.check(), { code: 'web.not-found' });
    await elsewhere.close();
  });

  it('CR and DX studies of the window are found once each, others are not', async () => {
    await store('dx', film(1, 1));
    await store('cr', film(2, 1, { kind: 'CR' }));
    await store('both1', film(3, 1));
    await store(
      'both2',
      film(3, 2, {
        kind: 'CR',
        uids: { study: '2.25.1003', series: '2.25.1003.2', instance: '2.25.1003.2.1' },
      }),
    );
    await store('sc', film(4, 1, CAPTURE));
    await store('old', film(5, 1, { attributes: { '00080020': { vr: 'DA', Value: ['20250101'] } } }));
    const studies = await client.searchStudies({ from: '20260228', to: '20260302' });
    assert.deepEqual(studies.map((study) => study.studyInstanceUid).sort(), [
      '2.25.1001',
      '2.25.1002',
      '2.25.1003',
    ]);
    const both = studies.find((study) => study.studyInstanceUid === '2.25.1003');
    assert.deepEqual([...(both?.modalities ?? [])].sort(), ['CR', 'DX']);
    assert.equal(both?.instanceCount, 2);
    assert.equal((await client.searchStudies({ from: '20250101', to: '20250101' })).length, 1);
  });

  it('a study has its series and instances, with what the selection needs', async () => {
    const series = await client.searchSeries('2.25.1003');
    assert.deepEqual(series.map(({ seriesInstanceUid, modality }) => [seriesInstanceUid, modality]).sort(), [
      ['2.25.1003.1', 'DX'],
      ['2.25.1003.2', 'CR'],
    ]);
    const instances = await client.searchInstances('2.25.1003');
    assert.deepEqual(
      instances
        .map((instance) => [instance.seriesInstanceUid, instance.sopInstanceUid, instance.modality])
        .sort(),
      [
        ['2.25.1003.1', '2.25.1003.1.1', 'DX'],
        ['2.25.1003.2', '2.25.1003.2.1', 'CR'],
      ],
    );
    assert.ok(instances.every(({ sopClassUid }) => sopClassUid?.startsWith('1.2.840.10008.5.1.4.1.1.1')));
    assert.equal(await client.instanceExists('2.25.1003', '2.25.1003.2.1'), true);
    assert.equal(await client.instanceExists('2.25.1003', '2.25.1003.2.9'), false);
    assert.equal(await client.instanceExists('2.25.1', '2.25.1003.2.1'), false);
  });

  it('every one of more studies than a page holds is found', async () => {
    for (let number = 0; number < 23; number += 1) await store(`page${number}`, film(100 + number, 1));
    const paged = clientOf(orthanc, { pageSize: 5 });
    const studies = await paged.searchStudies({ from: '20260301', to: '20260301' });
    await paged.close();
    assert.equal(
      studies.filter(({ studyInstanceUid }) => /^2\.25\.11\d\d$/.test(studyInstanceUid)).length,
      23,
    );
  });

  it('films come back as they are stored, in every transfer syntax', async () => {
    const source = join(folder, 'source.dcm');
    const conversions: [string, string, string[]][] = [
      ['implicit', 'dcmconv', ['+ti']],
      ['explicit', 'dcmconv', ['+te']],
      ['big-endian', 'dcmconv', ['+tb']],
      ['deflated', 'dcmconv', ['+td']],
      ['rle', 'dcmcrle', []],
      ['jpeg-lossless', 'dcmcjpeg', ['+e1']],
      ['jpeg-extended', 'dcmcjpeg', ['+ee']],
      ['jpeg-ls', 'dcmcjpls', ['+el']],
      ['jpeg-ls-near', 'dcmcjpls', ['+en', '+md', '2']],
      ['jpeg-2000', 'gdcmconv', ['--j2k']],
      ['jpeg-2000-lossy', 'gdcmconv', ['--j2k', '--lossy', '-r', '10']],
    ];
    const syntaxes = new Set<string>();
    for (const [index, [name, program, options]] of conversions.entries()) {
      await writeFile(source, film(200 + index, 1));
      const path = join(folder, `${name}.dcm`);
      await run(program, [...options, source, path]);
      const stored = await readFile(path);
      await orthanc.storeScu([path]);
      const identity = identityOf(stored);
      const retrieved = await client.retrieveInstance(referenceOf(stored));
      assert.equal(retrieved.identity.transferSyntaxUid, identity.transferSyntaxUid, name);
      assert.equal(retrieved.size, retrieved.bytes.length);
      assert.equal(retrieved.sha256, sha256(retrieved.bytes));
      // Byte for byte what the archive holds; Orthanc writes file meta information of its own.
      const found = (await orthanc.rest('/tools/find', {
        body: { Level: 'Instance', Query: { SOPInstanceUID: identity.sopInstanceUid } },
      })) as string[];
      const archived = await fetch(`${orthanc.restUrl}/instances/${found[0]}/file`, {
        headers: { authorization: `Basic ${btoa(`${orthanc.username}:${orthanc.password}`)}` },
      });
      assert.equal(retrieved.sha256, sha256(new Uint8Array(await archived.arrayBuffer())), name);
      syntaxes.add(identity.transferSyntaxUid);
    }
    assert.equal(syntaxes.size, conversions.length);
  });

  it('a film goes to a file, too; nothing is left of one that fails', async () => {
    const path = join(folder, 'retrieved.dcm');
    const file = await client.retrieveInstanceTo(referenceOf(film(1, 1)), path);
    const bytes = await readFile(path);
    assert.equal(file.sha256, sha256(bytes));
    assert.equal(file.identity.sopInstanceUid, '2.25.1001.1.1');
    const missing = { ...referenceOf(film(1, 1)), sopInstanceUid: '2.25.1001.1.77' };
    const other = join(folder, 'missing.dcm');
    await assert.rejects(client.retrieveInstanceTo(missing, other), { code: 'web.not-found' });
    const small = clientOf(orthanc, { limits: { instance: 1000 } });
    await assert.rejects(
      small.retrieveInstanceTo(referenceOf(film(1, 1)), other),
      (error: { code?: string }) => /too-large/.test(error.code ?? ''),
    );
    await small.close();
    assert.ok(!(await readdir(folder)).includes('missing.dcm'));
  });

  it('metadata of a study are the headers of its instances', async () => {
    const headers = await client.retrieveMetadata('2.25.1003');
    assert.deepEqual(headers.map((header) => header['00080018']?.Value?.[0]).sort(), [
      '2.25.1003.1.1',
      '2.25.1003.2.1',
    ]);
    const [one] = await client.retrieveMetadata('2.25.1003', '2.25.1003.2', '2.25.1003.2.1');
    assert.equal(one?.['00080060']?.Value?.[0], 'CR');
  });

  describe('storing', () => {
    const asInstance = (bytes: Uint8Array) => ({ sopInstanceUid: identityOf(bytes).sopInstanceUid, bytes });

    it('a good one is stored, and a second time, too', async () => {
      const good = asInstance(film(300, 1));
      const stored = [{ kind: 'stored', sopInstanceUid: good.sopInstanceUid, evidence: 'answer' }];
      assert.deepEqual(await client.storeInstances('2.25.1300', [good]), stored);
      assert.deepEqual(await client.storeInstances('2.25.1300', [good]), stored);
      assert.equal(await client.instanceExists('2.25.1300', good.sopInstanceUid), true);
    });

    it('from a file as from memory', async () => {
      const bytes = film(301, 1);
      const path = join(folder, 'stored.dcm');
      await writeFile(path, bytes);
      const outcomes = await client.storeInstances('2.25.1301', [
        { sopInstanceUid: '2.25.1301.1.1', path, size: bytes.length },
      ]);
      assert.equal(outcomes[0]?.kind, 'stored');
    });

    it('junk is refused, also when a good one is in the same request, which is stored', async () => {
      const junk = { sopInstanceUid: '2.25.1302.1.9', bytes: Buffer.from('this is no DICOM file') };
      const cut = { sopInstanceUid: '2.25.1302.1.2', bytes: film(302, 2).subarray(0, 300) };
      assert.deepEqual(await client.storeInstances('2.25.1302', [junk]), [
        { kind: 'refused', sopInstanceUid: junk.sopInstanceUid, code: 'stow.bad-request' },
      ]);
      const mixed = await client.storeInstances('2.25.1302', [asInstance(film(302, 1)), junk, cut]);
      assert.deepEqual(
        mixed.map(({ kind }) => kind),
        ['stored', 'refused', 'refused'],
      );
    });

    it('an object of another study is refused with its reason', async () => {
      const [outcome] = await client.storeInstances('2.25.1999', [asInstance(film(303, 1))]);
      assert.deepEqual(outcome, {
        kind: 'refused',
        sopInstanceUid: '2.25.1303.1.1',
        code: 'stow.processing-failure',
        reason: 0x0110,
      });
    });

    it('with wrong credentials, or no server, nothing is sent and that is said', async () => {
      const good = asInstance(film(304, 1));
      const wrong = clientOf(orthanc, { auth: { kind: 'basic', username: 'pacs-user', password: 'no' } });
      const [refused] = await wrong.storeInstances('2.25.1304', [good]);
      assert.deepEqual(refused, {
        kind: 'unsent',
        sopInstanceUid: good.sopInstanceUid,
        code: 'web.unauthorized',
      });
      await wrong.close();
      await orthanc.halt();
      const [away] = await client.storeInstances('2.25.1304', [good]);
      assert.deepEqual(away, {
        kind: 'unsent',
        sopInstanceUid: good.sopInstanceUid,
        code: 'web.unreachable',
      });
      await orthanc.start();
      const [back] = await client.storeInstances('2.25.1304', [good]);
      assert.equal(back?.kind, 'stored');
    });
  });
});

describe("our receiver against Orthanc's own push", { skip }, () => {
  let orthanc: Orthanc;
  let server: Server;
  let folder: string;
  const received: ReceivedInstance[] = [];
  const receipts: StowReceipt[] = [];
  const transfers: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'received-'));
    const known = new Map<string, string>();
    server = createServer((request, response) => {
      transfers.push(request.headers['transfer-encoding'] ?? 'content-length');
      void handleStow(request, response, {
        folder,
        authorize: ({ headers }) =>
          headers.authorization === `Basic ${btoa('sender:push')}`
            ? undefined
            : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: '', close: true },
        sink: {
          admit: () => ({ kind: 'open' }),
          async accept(instance) {
            const before = known.get(instance.identity.sopInstanceUid);
            if (before !== undefined) return { kind: before === instance.sha256 ? 'duplicate' : 'conflict' };
            known.set(instance.identity.sopInstanceUid, instance.sha256);
            received.push(instance);
            return { kind: 'stored' };
          },
        },
        beforeAnswer: (receipt) => {
          receipts.push(receipt);
        },
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = `http://127.0.0.1:${address.port}/dicom-web/`;
    const credentials = { username: 'sender', password: 'push' };
    orthanc = await startOrthanc({
      servers: {
        chunked: { url, chunked: true, ...credentials },
        whole: { url, chunked: false, ...credentials },
        wrong: { url, username: 'sender', password: 'guess' },
      },
    });
    const films = await mkdtemp(join(tmpdir(), 'films-'));
    await mkdir(films, { recursive: true });
    for (const study of [1, 2, 3]) {
      for (const instance of [1, 2]) {
        const path = join(films, `${study}-${instance}`);
        await writeFile(path, film(study, instance));
        await orthanc.storeScu([path]);
      }
    }
    const capture = join(films, 'capture');
    await writeFile(capture, film(4, 1, CAPTURE));
    await orthanc.storeScu([capture]);
    await rm(films, { recursive: true });
  });
  after(async () => {
    await orthanc.stop();
    server.close();
    await rm(folder, { recursive: true });
  });

  /** Pushes studies by their UIDs and waits for the job's end. */
  async function push(name: string, studies: readonly string[]): Promise<string> {
    const resources: string[] = [];
    for (const study of studies) {
      const found = await orthanc.rest('/tools/find', {
        body: { Level: 'Study', Query: { StudyInstanceUID: study } },
      });
      resources.push(...(found as string[]));
    }
    const job = (await orthanc.rest(`/dicom-web/servers/${name}/stow`, {
      body: { Resources: resources, Synchronous: false },
    })) as { ID: string };
    let state = '';
    await until('the job ends', async () => {
      state = ((await orthanc.rest(`/jobs/${job.ID}`)) as { State: string }).State;
      return state === 'Success' || state === 'Failure';
    });
    return state;
  }

  it('chunked: the job ends in Success and the files are whole', async () => {
    assert.equal(await push('chunked', ['2.25.1001']), 'Success');
    assert.equal(transfers.at(-1), 'chunked');
    assert.deepEqual(receipts.at(-1)?.studies, ['2.25.1001']);
    assert.equal(receipts.at(-1)?.complete, true);
    assert.deepEqual(received.map(({ identity }) => identity.sopInstanceUid).sort(), [
      '2.25.1001.1.1',
      '2.25.1001.1.2',
    ]);
    for (const { path, sha256: digest } of received) {
      assert.equal(sha256(await readFile(path)), digest);
      await run('dcmftest', [path]);
    }
  });

  it('with a length: the same', async () => {
    assert.equal(await push('whole', ['2.25.1002']), 'Success');
    assert.equal(transfers.at(-1), 'content-length');
    assert.equal(received.length, 4);
  });

  it('several studies in one request, one of them known before: Success, nothing twice', async () => {
    assert.equal(await push('chunked', ['2.25.1001', '2.25.1003']), 'Success');
    assert.equal(received.length, 6);
    assert.deepEqual([...(receipts.at(-1)?.studies ?? [])].sort(), ['2.25.1001', '2.25.1003']);
    assert.equal((await readdir(folder)).length, 6);
  });

  it('what is no film, and a wrong password, end the job in Failure', async () => {
    assert.equal(await push('chunked', ['2.25.1004']), 'Failure');
    assert.equal(receipts.at(-1)?.answer.status, 409);
    const before = receipts.length;
    assert.equal(await push('wrong', ['2.25.1003']), 'Failure');
    assert.equal(receipts.length, before);
    assert.equal((await readdir(folder)).length, 6);
  });
});
