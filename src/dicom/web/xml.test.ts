import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DicomDataset } from '../dataset.ts';
import { readStoreResponse, writeStoreResponse } from './store-response.ts';
import { parseDicomXml, writeDicomXml } from './xml.ts';

const read = (xml: string): DicomDataset => parseDicomXml(Buffer.from(xml));

describe('the Native DICOM Model in XML', () => {
  it('comes back as it was written', () => {
    const response = {
      stored: [{ sopClassUid: '1.2.3', sopInstanceUid: '1.2.4', reason: 0xb000 }],
      failed: [{ sopInstanceUid: '1.2.5', reason: 0x0110 }],
      otherFailures: [{ reason: 0xc000 }],
    };
    const xml = writeDicomXml(writeStoreResponse(response));
    assert.deepEqual(readStoreResponse(read(xml)), response);
  });

  it('escapes what text holds', () => {
    const dataset: DicomDataset = { '00081190': { vr: 'UR', Value: ['http://a/?b=1&c=<d>'] } };
    assert.deepEqual(read(writeDicomXml(dataset)), dataset);
  });

  it('may have a namespace prefix and no declaration', () => {
    const dataset = read(
      '<n:NativeDicomModel xmlns:n="x"><n:DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence"><n:Item number="1"><n:DicomAttribute tag="00081155" vr="UI"><n:Value number="1"> 1.2.3 </n:Value></n:DicomAttribute></n:Item></n:DicomAttribute></n:NativeDicomModel>',
    );
    assert.deepEqual(readStoreResponse(dataset).stored, [{ sopInstanceUid: '1.2.3' }]);
  });

  it('is refused when it is no XML, or too deep; entities are not resolved', () => {
    for (const xml of [
      'hello',
      '<a><b></a>',
      '<a>&lol;</a>',
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
      `${'<Item>'.repeat(1000)}${'</Item>'.repeat(1000)}`,
    ]) {
      assert.throws(() => read(xml), { code: 'web.answer-malformed' }, xml.slice(0, 40));
    }
  });

  it('is refused before it is parsed when it may hold more elements or attributes than allowed', () => {
    const attributes = (count: number) =>
      `<m ${Array.from({ length: count }, (_, index) => `a${index}=""`).join(' ')}/>`;
    assert.deepEqual(read(attributes(1000)), {});
    assert.throws(() => read(attributes(1_000_001)), { code: 'web.answer-malformed' });
  });

  it('loses attributes without a usable tag', () => {
    assert.deepEqual(
      read('<NativeDicomModel><DicomAttribute vr="LO"/><DicomAttribute tag="x" vr="LO"/></NativeDicomModel>'),
      {},
    );
  });
});
