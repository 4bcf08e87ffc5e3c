import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commitAck, readAck, readEnvelope } from './ack.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('an acknowledgement', () => {
  it('is read with its code, ids and error codes', () => {
    const ack = readAck(
      bytes(
        'MSH|^~\\&|RIS|HOSP|DH|X|20260301||ACK^R01^ACK|RIS7|P|2.5.1\rMSA|AE|MSG1|free text about a patient\rERR||PID^1^5|101^Required field missing^HL70357|E|||more text\r',
      ),
    );
    assert.deepEqual(ack, {
      code: 'AE',
      acknowledgedId: 'MSG1',
      controlId: 'RIS7',
      asksCommit: false,
      errorCode: '101',
      severity: 'E',
    });
  });

  it('may be lower case, without a last return, with line feeds, or with other separators', () => {
    for (const text of [
      'MSH|^~\\&|||||||ACK|1|P|2.3\rMSA|aa|M1',
      'MSH|^~\\&|||||||ACK|1|P|2.3\r\nMSA|AA|M1\r\n',
      'MSH$%~\\&$$$$$$$ACK$1$P$2.3\rMSA$AA$M1\r',
      '\rMSH|^~\\&|||||||ACK|1|P|2.3\r\rMSA| AA | M1 \r',
    ]) {
      const ack = readAck(bytes(text));
      assert.equal(ack?.code, 'AA', text);
      assert.equal(ack?.acknowledgedId, 'M1', text);
    }
  });

  it('tells whether it wants a commit acknowledgement itself', () => {
    const ask = (code: string, condition: string) =>
      readAck(bytes(`MSH|^~\\&|||||||ACK|1|P|2.5|||${condition}|NE\rMSA|${code}|M1\r`))?.asksCommit;
    assert.equal(ask('AA', 'AL'), true);
    assert.equal(ask('AA', 'NE'), false);
    assert.equal(ask('AA', 'ER'), false);
    assert.equal(ask('AE', 'ER'), true);
    assert.equal(ask('AA', 'SU'), true);
    assert.equal(ask('AE', 'SU'), false);
  });

  it('without MSA, with an unknown code, or of other text is none', () => {
    for (const text of [
      '',
      'hello',
      'MSH',
      'MSH|^~\\&|||||||ACK|1|P|2.5\r',
      'MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|OK|M1\r',
      'MSA|AA|M1\r',
      'MSH|^~\\&|||||||ACK|1|P|2.5\rMSA\r',
    ]) {
      assert.equal(readAck(bytes(text)), undefined, text);
    }
  });

  it('never carries free text of the receiver where a code belongs', () => {
    const ack = readAck(
      bytes('MSH|^~\\&|||||||ACK|1\rMSA|AR|M\rERR|||Patient John Doe unknown|Error in PID\r'),
    );
    assert.deepEqual(Object.keys(ack ?? {}).sort(), ['acknowledgedId', 'asksCommit', 'code', 'controlId']);
  });
});

describe('the envelope of a message', () => {
  const message = (accept: string, application: string): Buffer =>
    bytes(`MSH|^~\\&|DH|A|RIS|B|20260301||ORU^R01|M1|P|2.5.1|||${accept}|${application}\rPID|1\r`);

  it('is in original mode without MSH-15 and MSH-16', () => {
    const { controlId, enhanced, asksApplication } = readEnvelope(message('', ''));
    assert.deepEqual([controlId, enhanced, asksApplication], ['M1', false, false]);
  });

  it('is in enhanced mode with either of them', () => {
    assert.deepEqual(
      [
        ['AL', 'NE'],
        ['AL', 'AL'],
        ['NE', 'AL'],
      ].map(([accept = '', application = '']) => readEnvelope(message(accept, application)).asksApplication),
      [false, true, true],
    );
    assert.equal(readEnvelope(message('AL', 'NE')).enhanced, true);
  });

  it('without MSH or MSH-10 is unsendable', () => {
    for (const text of ['', 'PID|1\r', 'MSH|^~\\&|a|b|c|d|e|f|ORU||P|2.5\r']) {
      assert.throws(() => readEnvelope(bytes(text)), { code: 'mllp.unsendable' });
    }
  });

  it("makes a commit acknowledgement that names the receiver's own message", () => {
    const sent = readEnvelope(message('AL', 'AL'));
    const application = readAck(bytes('MSH|^~\\&|RIS|B|DH|A|||ACK|R9|P|2.5.1|||AL\rMSA|AA|M1\r'));
    assert.ok(application);
    assert.equal(
      commitAck(sent, application, 'C1', '20260301120000').toString('latin1'),
      'MSH|^~\\&|DH|A|RIS|B|20260301120000||ACK|C1|P|2.5.1\rMSA|CA|R9\r',
    );
  });
});

describe('a damaged acknowledgement', () => {
  it('is read or not, and never fails', () => {
    const good =
      'MSH|^~\\&|RIS|H|DH|X|20260301||ACK|R7|P|2.5.1|||AL|NE\rMSA|AA|M1|text\rERR||PID^1^5|101^x|E\r';
    let state = 9;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 20_000; round += 1) {
      const made = Buffer.from(good, 'latin1');
      for (let count = 1 + random(8); count > 0; count -= 1) made[random(made.length)] = random(256);
      const ack = readAck(made.subarray(0, random(made.length + 1)));
      if (ack !== undefined) assert.match(ack.code, /^[AC][AER]$/);
    }
  });
});
