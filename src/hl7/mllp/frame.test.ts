import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import { createFrameReader, type FrameEvent, frameMessage } from './frame.ts';

function readAll(chunks: readonly Uint8Array[], maxBytes?: number): string[] {
  const read = createFrameReader(maxBytes);
  return chunks.flatMap((chunk) => read(chunk)).map(name);
}

function name(event: FrameEvent): string {
  return event.kind === 'frame' ? event.payload.toString('latin1') : event.kind;
}

const text = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

describe('MLLP frames', () => {
  it('come back as they were sent, wherever the stream is cut', () => {
    const stream = Buffer.concat([frameMessage(text('MSH|one\r')), frameMessage(text('MSH|two \xff\r'))]);
    for (let at = 0; at <= stream.length; at += 1) {
      const found = readAll([stream.subarray(0, at), stream.subarray(at)]);
      assert.deepEqual(found, ['MSH|one\r', 'MSH|two \xff\r'], `cut at ${at}`);
    }
    assert.deepEqual(
      readAll([...stream].map((byte) => Buffer.of(byte))),
      ['MSH|one\r', 'MSH|two \xff\r'],
      'byte by byte',
    );
  });

  it('are found between stray bytes, and without the return after the end', () => {
    assert.deepEqual(readAll([text('\r\n noise \x0bA\r\x1c\x0bB\r\x1c\r\r\n\x0bC\x1c')]), [
      'A\r',
      'B\r',
      'C',
    ]);
  });

  it('begin again when a start byte comes in the middle: the half frame is dropped', () => {
    assert.deepEqual(readAll([text('\x0bhalf of\x0bwhole\r\x1c\r')]), ['whole\r']);
  });

  it('over the limit are reported once and skipped, and the next one is read', () => {
    const big = Buffer.alloc(1000, 'x');
    const stream = Buffer.concat([frameMessage(big), frameMessage(text('ok'))]);
    assert.deepEqual(readAll([stream], 100), ['oversize', 'ok']);
    assert.deepEqual(
      readAll(
        [...stream].map((byte) => Buffer.of(byte)),
        100,
      ),
      ['oversize', 'ok'],
    );
  });

  it('an end without a start is nothing', () => {
    assert.deepEqual(readAll([text('\x1c\r\x1c\x1c\rabc')]), []);
  });

  it('refuse a message that holds a framing byte', () => {
    for (const byte of ['\x0b', '\x1c']) {
      assert.throws(
        () => frameMessage(text(`MSH|${byte}`)),
        (error: unknown) => error instanceof DeepHealthError && error.code === 'mllp.unsendable',
      );
    }
  });
});
