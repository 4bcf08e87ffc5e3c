import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request, Response } from 'express';
import { DeepHealthError } from '../errors/error.ts';
import type { InForce } from './context.ts';
import { sameSiteOnly } from './same-site.ts';

function goesThrough(
  method: string,
  headers: Readonly<Record<string, string>>,
  server: object = { users: [{ name: 'reader', password: 'correct horse' }] },
): boolean {
  const inForce = { config: { server: { host: '127.0.0.1', users: [], tokens: [], ...server } } };
  const check = sameSiteOnly(inForce as unknown as InForce);
  let passed = false;
  try {
    check({ method, headers } as unknown as Request, {} as Response, () => {
      passed = true;
    });
  } catch (error) {
    assert.ok(error instanceof DeepHealthError && error.code === 'api.cross-site');
  }
  return passed;
}

test('a change that another site wants is refused, whichever way the browser says so', () => {
  const host = 'dh.hospital.example:8104';
  for (const from of ['cross-site', 'same-site', 'anything']) {
    assert.equal(goesThrough('POST', { host, 'sec-fetch-site': from }), false, from);
  }
  for (const origin of ['https://evil.example', 'null', 'http://dh.hospital.example', 'nonsense']) {
    assert.equal(goesThrough('POST', { host, origin }), false, origin);
  }
});

test('our own pages, programs and links from elsewhere go through', () => {
  const host = 'dh.hospital.example:8104';
  assert.ok(goesThrough('POST', { host, 'sec-fetch-site': 'same-origin', origin: 'https://outer.example' }));
  assert.ok(goesThrough('POST', { host, origin: 'http://dh.hospital.example:8104' }));
  assert.ok(goesThrough('POST', { host }), 'a webhook sends neither');
  assert.ok(goesThrough('GET', { host, 'sec-fetch-site': 'cross-site' }), 'a link from the portal');
});

test('where nobody signs in, only names that nobody else can own are taken', () => {
  for (const host of ['127.0.0.1:8104', 'localhost:8104', '[::1]:8104', 'x', 'dh.localhost', '']) {
    assert.ok(goesThrough('GET', { host }, {}), host);
  }
  for (const host of ['evil.example', 'evil.example:8104', '127.0.0.1.evil.example']) {
    assert.equal(goesThrough('GET', { host }, {}), false, host);
  }
});
