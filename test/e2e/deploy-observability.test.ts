import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { ROOT } from './compose.ts';
import { startDaemon } from './daemon.ts';

const PROMTOOL = '/usr/bin/promtool';
const ALERTS = join(ROOT, 'deploy/prometheus/alerts.yaml');
const DASHBOARD = join(ROOT, 'deploy/grafana/deep-health.json');

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const rules = (parse(readFileSync(ALERTS, 'utf8')) as Rules).groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { readonly panels: readonly Panel[] };
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Names of metrics in an expression. */
function metricsIn(expression: string): string[] {
  return expression.match(/\b(deephealth|process|nodejs)_[a-z0-9_]+/g) ?? [];
}

describe('deploy/prometheus and deploy/grafana', () => {
  test('every metric that alerts and dashboard name is one that the service serves', async () => {
    const daemon = await startDaemon();
    try {
      // The disk is asked for when somebody wants to know: the second look has it.
      await fetch(`${daemon.url}/metrics`).then((answer) => answer.text());
      const served = await (await fetch(`${daemon.url}/metrics`)).text();
      const known = new Set(
        [...served.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
          type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
        ),
      );
      const named = new Set([...rules.map(({ expr }) => expr), ...queries].flatMap(metricsIn));
      assert.deepEqual(
        [...named].filter((name) => !known.has(name)),
        [],
      );
      assert.match(served, /^deephealth_ready 1$/m);
      assert.match(served, /^deephealth_storage_free_bytes [1-9]/m);
    } finally {
      await daemon.remove();
    }
  });

  test('the alerts fire when they should, and not when they should not', (t) => {
    if (!existsSync(PROMTOOL)) return t.skip('promtool is not installed');
    execFileSync(PROMTOOL, ['check', 'rules', ALERTS], { stdio: 'ignore' });
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ['test', 'rules', 'alerts.test.yaml'], {
      cwd: join(ROOT, 'deploy/prometheus'),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });

  test('every query of the dashboard is one that Prometheus understands', async (t) => {
    if (!existsSync(PROMTOOL)) return t.skip('promtool is not installed');
    const folder = await mkdtemp(join(tmpdir(), 'dh-dashboard-'));
    const file = join(folder, 'queries.yaml');
    const recorded = queries.map((expr, index) => ({ record: `query_${index}`, expr }));
    await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'rules', file], { encoding: 'utf8' });
    await rm(folder, { recursive: true });
    assert.equal(status, 0, stdout + stderr);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });
});
