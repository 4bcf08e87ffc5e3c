import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { DeepHealthError } from '../../errors/error.ts';
import { phantomFile } from '../phantom/file.ts';
import { identityOf, identityOfFile } from './identity.ts';

const uids = { study: '2.25.1', series: '2.25.1.1', instance: '2.25.1.1.1' };
const film = Buffer.from(phantomFile({ width: 64, height: 48, uids }));
const expected = {
  studyInstanceUid: '2.25.1',
  seriesInstanceUid: '2.25.1.1',
  sopInstanceUid: '2.25.1.1.1',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
  transferSyntaxUid: '1.2.840.10008.1.2.1',
};

const notDicom = (error: unknown): boolean =>
  error instanceof DeepHealthError && error.code === 'receive.not-dicom';

describe('the identity of a file', () => {
  it('is read from its header alone, in memory and on disk', async () => {
    assert.deepEqual(identityOf(film), expected);
    // Cut in the middle of the pixels: the header is there.
    assert.deepEqual(identityOf(film.subarray(0, -3000)), expected);
    const folder = await mkdtemp(join(tmpdir(), 'identity-'));
    const path = join(folder, 'film');
    await writeFile(path, film);
    assert.deepEqual(await identityOfFile(path), expected);
    await writeFile(path, film.subarray(0, 200));
    await assert.rejects(identityOfFile(path), notDicom);
    await rm(folder, { recursive: true });
  });

  it('is found behind a large private element', async () => {
    const large = { vr: 'OB', Value: [new Uint8Array(3_000_000)] };
    const file = phantomFile({ width: 64, height: 48, uids, attributes: { '00091010': large } });
    assert.deepEqual(identityOf(file), expected);
    const folder = await mkdtemp(join(tmpdir(), 'identity-'));
    await writeFile(join(folder, 'film'), file);
    assert.deepEqual(await identityOfFile(join(folder, 'film')), expected);
    await rm(folder, { recursive: true });
  });

  it('is refused without a preamble, a UID, or with a UID that is none', () => {
    for (const file of [
      Buffer.alloc(0),
      Buffer.alloc(2000),
      film.subarray(128),
      phantomFile({ width: 64, height: 48, without: ['0020000E'] }),
      phantomFile({ width: 64, height: 48, attributes: { '0020000D': { vr: 'UI', Value: ['1.2/../3'] } } }),
    ]) {
      assert.throws(() => identityOf(file), notDicom);
    }
  });

  it('of a blank film that is small deflated and large inflated is read', () => {
    const pixels = { width: 3000, height: 3500, pixels: new Uint16Array(3000 * 3500) };
    const blank = Buffer.from(phantomFile({ pixels, uids }));
    const dataset = blank.subarray(144 + blank.readUInt32LE(140));
    const file = Buffer.concat([deflatedMeta(), deflateRawSync(dataset)]);
    assert.ok(file.length < 64 * 1024);
    assert.deepEqual(identityOf(file), { ...expected, transferSyntaxUid: '1.2.840.10008.1.2.1.99' });
  });

  it('of a deflated file that would fill the memory is refused', () => {
    const bomb = deflateRawSync(Buffer.alloc(200_000_000), { level: 9 });
    assert.ok(bomb.length < 1_000_000);
    assert.throws(() => identityOf(Buffer.concat([deflatedMeta(), bomb])), notDicom);
  });

  it('is not looked for behind ten thousand elements: they would hold up everybody else', () => {
    const padded = (elements: number) => {
      const private8 = Buffer.from([9, 0, 1, 0x10, 0x4c, 0x4f, 0, 0]);
      const groups = Array.from({ length: elements }, () => private8);
      // Behind group 0008, where private elements stand.
      const at = film.indexOf(Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e]));
      return Buffer.concat([film.subarray(0, at), ...groups, film.subarray(at)]);
    };
    assert.deepEqual(identityOf(padded(2_000)), expected);
    assert.throws(() => identityOf(padded(2_000_000)), notDicom);
  });

  it('has one value for each UID', () => {
    const two = phantomFile({
      ...{ width: 64, height: 48, uids },
      attributes: { '0020000D': { vr: 'UI', Value: ['2.25.1', '2.25.2'] } },
    });
    assert.throws(() => identityOf(two), notDicom);
  });

  it('of damaged files is found or refused, whatever is damaged', () => {
    let state = 5;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const header = film.subarray(0, 1500);
    for (let round = 0; round < 5000; round += 1) {
      const damaged = Buffer.from(header.subarray(0, 200 + random(1300)));
      for (let count = 1 + random(6); count > 0; count -= 1) {
        damaged[132 + random(damaged.length - 132)] = [0, 0xff, 0x80, random(256)][random(4)] ?? 0;
      }
      try {
        identityOf(damaged);
      } catch (error) {
        assert.ok(notDicom(error), String(error));
      }
    }
  });
});

/** File meta information that announces a deflated dataset. */
function deflatedMeta(): Buffer {
  const syntax = Buffer.from('1.2.840.10008.1.2.1.99', 'latin1');
  const element = Buffer.concat([Buffer.from([2, 0, 0x10, 0, 0x55, 0x49, syntax.length, 0]), syntax]);
  const length = Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0, element.length, 0, 0, 0]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, element]);
}
