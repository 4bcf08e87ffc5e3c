import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDicomJson, toDicomJson } from './json.ts';

const one = (json: string) => parseDicomJson(json)[0];

describe('the DICOM JSON model from the wire', () => {
  it('is read with every kind of value', () => {
    const source = {
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '00080061': { vr: 'CS', Value: ['CR', null, 'DX'] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }] },
      '00080054': { vr: 'AE' },
      '00280010': { vr: 'US', Value: [2048] },
      '00180050': { vr: 'DS', Value: ['1.50'] },
      '00200013': { vr: 'IS', Value: [3] },
      '00081198': { vr: 'SQ', Value: [{}, { '00081197': { vr: 'US', Value: [272] } }] },
      '00091010': { vr: 'UN', InlineBinary: 'AQID' },
    };
    assert.deepEqual(parseDicomJson(JSON.stringify([source])), [
      {
        ...source,
        '00091010': { vr: 'UN', Value: [new Uint8Array([1, 2, 3])] },
      },
    ]);
  });

  it('may be a single object, nothing, or come with a byte order mark', () => {
    assert.equal(parseDicomJson('{"00080018":{"vr":"UI","Value":["1.2"]}}').length, 1);
    assert.deepEqual(parseDicomJson(''), []);
    assert.deepEqual(parseDicomJson(' \r\n'), []);
    assert.deepEqual(parseDicomJson('[]'), []);
    assert.equal(parseDicomJson(Buffer.from('\uFEFF[{}]')).length, 1);
  });

  it('may write numbers as text, names as text, single values without an array, tags in lower case', () => {
    assert.deepEqual(
      one(
        '{"00280010":{"vr":"US","Value":["2048"]},"00100010":{"vr":"PN","Value":["Doe^J"]},"0020000d":{"vr":"UI","Value":"1.2"},"00189073":{"vr":"FD","Value":["NaN","-Infinity"]}}',
      ),
      {
        '00280010': { vr: 'US', Value: [2048] },
        '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^J' }] },
        '0020000D': { vr: 'UI', Value: ['1.2'] },
        '00189073': { vr: 'FD', Value: [Number.NaN, -Infinity] },
      },
    );
  });

  it('takes base64 with blanks and line ends in it, and finds out at once that a million blanks are none', () => {
    const bytes = (text: string) =>
      one(JSON.stringify({ '00091010': { vr: 'UN', InlineBinary: text } }))?.['00091010']?.Value?.[0];
    assert.deepEqual(bytes('AQ\r\n ID = = \n'), new Uint8Array([1, 2, 3]));
    for (const text of [`${' '.repeat(1_000_000)}!`, `AQID=${'= '.repeat(500_000)}A`]) {
      assert.equal(bytes(text), undefined);
    }
  });

  it('loses what is no attribute or of the wrong type, and reaches no prototype', () => {
    const dataset = one(
      '{"__proto__":{"polluted":1},"constructor":{"vr":"LO"},"StudyInstanceUID":{"vr":"UI"},"00080018":7,"00080016":[1],"00280010":{"vr":"US","Value":[{},"x",[1],true,5]},"00080060":{"vr":7,"Value":["CR",{}]},"00100010":{"vr":"PN","Value":[3,{"Alphabetic":4,"__proto__":{"Phonetic":"x"}}]},"7FE00010":{"vr":"OW","BulkDataURI":"http://169.254.169.254/"},"00091010":{"vr":"OB","InlineBinary":{"length":9}}}',
    );
    assert.deepEqual(dataset, {
      '00280010': { vr: 'US', Value: [5] },
      '00080060': { vr: 'UN' },
      '00100010': { vr: 'PN', Value: [{}] },
      '7FE00010': { vr: 'OW' },
      '00091010': { vr: 'OB' },
    });
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });

  it('is refused when it is no JSON, no dataset, too deep or too much', () => {
    const malformed = { code: 'web.answer-malformed' };
    for (const text of ['<html>login</html>', '[1]', '"x"', 'null', '[[]]', '{"a":', '[{},"x"]']) {
      assert.throws(() => parseDicomJson(text), malformed, text);
    }
    const deep = `${'{"00081198":{"vr":"SQ","Value":['.repeat(5000)}${']}}'.repeat(5000)}`;
    assert.throws(() => parseDicomJson(deep), malformed);
    assert.throws(() => parseDicomJson(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), malformed);
    const many = JSON.stringify([{ '00080061': { vr: 'CS', Value: Array(1000).fill('CR') } }]);
    assert.throws(() => parseDicomJson(many, { depth: 32, nodes: 500 }), malformed);
  });

  it('says nothing of the document in its error', () => {
    assert.throws(
      () => parseDicomJson('{"00100010": Doe^John}'),
      (error: unknown) => error instanceof Error && !/Doe/.test(`${error.message} ${error.cause}`),
    );
  });

  it('is refused before it is parsed where it would take all memory, whatever it stands under', () => {
    const bomb = Buffer.from(`[{"nobody reads this":[${'[],'.repeat(4_000_000)}1]}]`);
    assert.throws(() => parseDicomJson(bomb), { code: 'web.answer-malformed' });
  });

  it('is written back as it was read: tags ascending, without group lengths and group 0002', () => {
    const json = toDicomJson({
      '00280010': { vr: 'US', Value: [1] },
      '00080000': { vr: 'UL', Value: [9] },
      '00020010': { vr: 'UI', Value: ['1.2'] },
      '00081199': { vr: 'SQ', Value: [{ '00091010': { vr: 'OB', Value: [new Uint8Array([255])] } }] },
      '00189073': { vr: 'FD', Value: [Number.NaN, Infinity] },
      '00081190': { vr: 'UR', Value: [] },
    });
    assert.equal(
      JSON.stringify(json),
      '{"00081190":{"vr":"UR"},"00081199":{"vr":"SQ","Value":[{"00091010":{"vr":"OB","InlineBinary":"/w=="}}]},"00189073":{"vr":"FD","Value":["NaN","inf"]},"00280010":{"vr":"US","Value":[1]}}',
    );
    assert.deepEqual(parseDicomJson(JSON.stringify(json))[0]?.['00189073'], {
      vr: 'FD',
      Value: [Number.NaN, Infinity],
    });
  });
});
