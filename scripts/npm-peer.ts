import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program for the tests that comes as an npm package but must not be a dependency. */
export interface NpmPeer {
  readonly package: string;
  readonly version: string;
  /** As in a lock file: `sha512-` and base64. */
  readonly integrity: string;
  /** What is taken out of the package, and what of it is left behind (patterns of tar). */
  readonly members: readonly string[];
  readonly without: readonly string[];
}

/** The viewer, prebuilt. Its dependencies are built in; as a dependency it would bring 1 GB of its own. */
export const OHIF: NpmPeer = {
  package: '@ohif/app',
  version: '3.13.2',
  integrity:
    'sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==',
  members: ['package/dist', 'package/LICENSE'],
  without: ['*.map'],
};

/** The schemas of CycloneDX, as its own library ships them (Apache-2.0); nothing of its code is used. */
export const CYCLONEDX: NpmPeer = {
  package: '@cyclonedx/cyclonedx-library',
  version: '10.3.0',
  integrity:
    'sha512-RIT28sp1U0PCHaaeF3yNRwk6Jig/XJ8UsYAVOMYaHQ+0VVOvsjcp0PTWQFLUqJFF8XMud+Kdq6G+wtDAh+QJFA==',
  members: ['package/res/schema', 'package/LICENSE'],
  without: ['*.xsd'],
};

/**
 * Where fetched peers are kept, outside of the checkout: DEEP_HEALTH_PEER_CACHE, else the user's cache folder
 * (XDG), else the temporary one.
 */
export function peerCache(): string {
  const { DEEP_HEALTH_PEER_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  if (own) return own;
  const user = xdg || (homedir() === '/' ? '' : join(homedir(), '.cache'));
  return join(user || tmpdir(), 'deep-health', 'peers');
}

/** The folder of a peer's files; its name holds version and integrity, so another pin is another folder. */
export function npmPeerFolder({ package: name, version, integrity }: NpmPeer): string {
  const pin = createHash('sha256').update(integrity).digest('hex').slice(0, 12);
  return join(peerCache(), `${name.replaceAll(/[@/]+/g, '-').replace(/^-/, '')}-${version}-${pin}`);
}

export function npmPeerInstalled(peer: NpmPeer): boolean {
  return existsSync(npmPeerFolder(peer));
}

/**
 * Fetches a peer with `npm pack` from the registry that this machine's npm is configured for, checks the file
 * against the pinned integrity and unpacks it. The folder appears whole or not at all, also when two runs
 * fetch at once.
 *
 * @throws Error when the package cannot be had or is not the pinned one
 */
export function fetchNpmPeer(peer: NpmPeer): void {
  makeWhole(npmPeerFolder(peer), (scratch) => {
    execFileSync(
      'npm',
      [
        'pack',
        `${peer.package}@${peer.version}`,
        '--pack-destination',
        scratch,
        '--ignore-scripts',
        '--silent',
      ],
      { cwd: scratch, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 },
    );
    const [file] = readdirSync(scratch).filter((name) => name.endsWith('.tgz'));
    if (file === undefined) throw new Error(`npm pack gave no file for ${peer.package}`);
    const tarball = join(scratch, file);
    const digest = createHash('sha512').update(readFileSync(tarball)).digest('base64');
    if (`sha512-${digest}` !== peer.integrity) {
      throw new Error(`${peer.package}@${peer.version} is not the pinned one: sha512-${digest}`);
    }
    const unpacked = join(scratch, 'unpacked');
    mkdirSync(unpacked);
    const left = peer.without.map((pattern) => `--exclude=${pattern}`);
    execFileSync('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1', ...left, ...peer.members], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return unpacked;
  });
}

/**
 * Makes a folder of the cache that appears whole or not at all, also when two runs make it at once.
 *
 * @param make gets an empty folder and gives the folder in it, or itself, that is to be kept
 */
export function makeWhole(folder: string, make: (scratch: string) => string): void {
  if (existsSync(folder)) return;
  mkdirSync(peerCache(), { recursive: true });
  const scratch = mkdtempSync(`${folder}.`);
  try {
    const made = make(scratch);
    try {
      renameSync(made, folder);
    } catch (failure) {
      // Another run was faster.
      if (!existsSync(folder)) throw failure;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
