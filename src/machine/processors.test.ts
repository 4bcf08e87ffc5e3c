import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { processors } from './processors.ts';

/** A system that has these files and no others. */
function system(files: Readonly<Record<string, string>>): (file: string) => string {
  return (file) => {
    const text = files[file];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };
}

test('without control groups it is the processors of the machine', () => {
  assert.equal(processors(system({}), 8), 8);
  assert.equal(processors(system({ '/proc/self/cgroup': '0::/\n' }), 8), 8);
});

test('a quota of version 2 counts, the narrowest of all groups above the process, part of a processor as one', () => {
  const group = '0::/kubepods/pod1/app\n';
  const at = (app: string, pod: string) =>
    processors(
      system({
        '/proc/self/cgroup': group,
        '/sys/fs/cgroup/kubepods/pod1/app/cpu.max': app,
        '/sys/fs/cgroup/kubepods/pod1/cpu.max': pod,
      }),
      8,
    );
  assert.equal(at('max 100000\n', 'max 100000\n'), 8);
  assert.equal(at('200000 100000\n', 'max 100000\n'), 2);
  assert.equal(at('400000 100000\n', '150000 100000\n'), 2);
  assert.equal(at('50000 100000\n', 'max 100000\n'), 1);
  assert.equal(at('1600000 100000\n', 'max 100000\n'), 8, 'more than there are');
});

test('in a container whose path is one of the host’s the root of what it sees counts', () => {
  const files = { '/proc/self/cgroup': '0::/docker/4f5a\n', '/sys/fs/cgroup/cpu.max': '100000 100000\n' };
  assert.equal(processors(system(files), 4), 1);
});

test('a quota of version 1 counts, however its controller is mounted; -1 is none', () => {
  for (const [controllers, root] of [
    ['cpu', '/sys/fs/cgroup/cpu'],
    ['cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
  ]) {
    const files = (quota: string) => ({
      '/proc/self/cgroup': `3:memory:/small\n2:${controllers}:/small\n`,
      [`${root}/small/cpu.cfs_quota_us`]: quota,
      [`${root}/small/cpu.cfs_period_us`]: '100000\n',
    });
    assert.equal(processors(system(files('100000\n')), 4), 1);
    assert.equal(processors(system(files('-1\n')), 4), 4);
  }
});

test('files that say nonsense are no limit', () => {
  for (const text of ['', 'max', 'x y', '0 100000', '100000 0', '-5 100000']) {
    const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': text };
    assert.equal(processors(system(files), 4), 4, text);
  }
});

test('here it is at least one and no more than the machine has', () => {
  const count = processors();
  assert.ok(Number.isInteger(count) && count >= 1 && count <= availableParallelism());
});
