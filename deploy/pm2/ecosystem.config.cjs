// Deep Health under pm2.
//   npm install --global pm2
//   DEEP_HEALTH_CONFIG=/etc/deep-health/deep-health.yaml pm2 start deploy/pm2/ecosystem.config.cjs
//
// One process does everything. DEEP_HEALTH_ROLES=intake,read,read,deliver makes a process of each; that takes a
// ledger in PostgreSQL, and a config of its own for each process, since each has a server of its own on a port of
// its own: deep-health.intake.yaml, deep-health.read-1.yaml, ... beside deep-health.yaml.
//
// "pm2 sendSignal SIGHUP all" takes over changed configs, each as a whole, or keeps the old one and says why.
const { existsSync } = require('node:fs');
const { join, resolve } = require('node:path');

const folder = resolve(__dirname, '../..');
const config = process.env.DEEP_HEALTH_CONFIG ?? '';
const roles = (process.env.DEEP_HEALTH_ROLES ?? 'all').split(',').map((role) => role.trim());

/** Node.js 24: the one that runs pm2, else the one that npm ci brought. */
const interpreter =
  Number(process.versions.node.split('.')[0]) >= 24
    ? process.execPath
    : join(folder, 'node_modules/.bin/node');

/** deep-health, or the role with its number where there are several of it. */
function nameOf(role, index) {
  if (role === 'all') return 'deep-health';
  if (roles.filter((other) => other === role).length === 1) return role;
  return `${role}-${roles.slice(0, index + 1).filter((other) => other === role).length}`;
}

function configOf(name) {
  const own = config.replace(/(\.ya?ml)$/, `.${name}$1`);
  return existsSync(own) ? own : config;
}

/** What `serve` gives itself when it is not under pm2 (docs/decisions/0131). */
const memory = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '262144',
  MALLOC_TRIM_THRESHOLD_: '1048576',
};

module.exports = {
  apps: roles.map((role, index) => {
    const name = nameOf(role, index);
    return {
      name,
      cwd: folder,
      script: join(folder, 'bin', 'deep-health.mjs'),
      args: ['serve', '--role', role],
      interpreter,
      exec_mode: 'fork',
      env: {
        NODE_ENV: 'production',
        ...memory,
        ...(config === '' ? {} : { DEEP_HEALTH_CONFIG: configOf(name) }),
      },
      // SIGTERM, not pm2's SIGINT; the service ends by itself within 28 seconds.
      kill_timeout: 30_000,
      exp_backoff_restart_delay: 1000,
      // A wrong config (exit code 2) is not mended by starting again.
      stop_exit_codes: [2],
      max_memory_restart: '4G',
    };
  }),
};
