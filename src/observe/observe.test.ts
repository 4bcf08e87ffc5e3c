import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DeepHealthError } from '../errors/error.ts';
import { loggedFailure } from './log.ts';
import { createStudyKey, loadStudyKey } from './study-key.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dh-observe-'));
});
after(() => rm(folder, { recursive: true }));

test('a study has the same key over starts, another one elsewhere, and only the owner reads the secret', async () => {
  const [first, second] = await Promise.all([loadStudyKey(folder), loadStudyKey(folder)]);
  const again = await loadStudyKey(folder);
  assert.equal(first('1.2.3'), second('1.2.3'));
  assert.equal(first('1.2.3'), again('1.2.3'));
  assert.notEqual(first('1.2.3'), first('1.2.4'));
  assert.notEqual(first('1.2.3'), createStudyKey(Buffer.from('another'))('1.2.3'));
  assert.match(first('1.2.3'), /^s-[0-9a-f]{16}$/);
  assert.equal((await stat(join(folder, 'study-key.secret'))).mode & 0o777, 0o600);
});

test('what is logged of a foreign error names its kind and place, never its words', () => {
  const parser = new TypeError('unexpected value "Doe^Jane" at 0010,0010');
  const logged = loggedFailure(parser);
  assert.doesNotMatch(JSON.stringify(logged), /Doe/);
  assert.match(logged.message, /TypeError/);
  assert.match(logged.at?.[0] ?? '', /observe\.test\.ts/);
  const ours = loggedFailure(new DeepHealthError('web.timeout', undefined, { cause: parser }));
  assert.equal(ours.code, 'web.timeout');
  assert.doesNotMatch(JSON.stringify(ours), /Doe/);
});
