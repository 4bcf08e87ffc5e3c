import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { CYCLONEDX, fetchNpmPeer, npmPeerInstalled, OHIF } from './npm-peer.ts';
import { installPrograms, programsInstalled } from './npm-programs.ts';

/**
 * The independent programs that the tests run against, each with the Debian package that brings it and the
 * file by which it is known to be there.
 */
const PEERS: readonly { name: string; file: string; packages: readonly string[] }[] = [
  { name: 'Orthanc', file: '/usr/sbin/Orthanc', packages: ['orthanc'] },
  {
    name: 'Orthanc DICOMweb plugin',
    file: '/usr/share/orthanc/plugins/libOrthancDicomWeb.so',
    packages: ['orthanc-dicomweb'],
  },
  { name: 'DCMTK', file: '/usr/bin/dcmdump', packages: ['dcmtk'] },
  { name: 'dicom3tools', file: '/usr/bin/dciodvfy', packages: ['dicom3tools'] },
  { name: 'GDCM tools', file: '/usr/bin/gdcmconv', packages: ['libgdcm-tools'] },
  { name: 'OpenJPEG tools', file: '/usr/bin/opj_compress', packages: ['libopenjp2-tools'] },
  { name: 'OpenJPH tools', file: '/usr/bin/ojph_compress', packages: ['openjph-tools'] },
  { name: 'PixelMed', file: '/usr/share/java/pixelmed.jar', packages: ['libpixelmed-java'] },
  { name: 'Java', file: '/usr/bin/javac', packages: ['default-jdk-headless'] },
  { name: 'pydicom', file: '/usr/lib/python3/dist-packages/pydicom', packages: ['python3-pydicom'] },
  { name: 'python3-hl7', file: '/usr/lib/python3/dist-packages/hl7', packages: ['python3-hl7'] },
  { name: 'python3-numpy', file: '/usr/lib/python3/dist-packages/numpy', packages: ['python3-numpy'] },
  { name: 'PyTorch', file: '/usr/lib/python3/dist-packages/torch', packages: ['python3-torch'] },
  { name: 'python3-onnx', file: '/usr/lib/python3/dist-packages/onnx', packages: ['python3-onnx'] },
  { name: 'scikit-learn', file: '/usr/lib/python3/dist-packages/sklearn', packages: ['python3-sklearn'] },
  { name: 'python3-pil', file: '/usr/lib/python3/dist-packages/PIL', packages: ['python3-pil'] },
  { name: 'RabbitMQ', file: '/usr/sbin/rabbitmq-server', packages: ['rabbitmq-server'] },
  { name: 'PostgreSQL', file: '/usr/lib/postgresql', packages: ['postgresql'] },
  { name: 'eatmydata', file: '/usr/lib/x86_64-linux-gnu/libeatmydata.so', packages: ['libeatmydata1'] },
  {
    name: 'libfaketime',
    file: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
    packages: ['libfaketime'],
  },
  { name: 'strace', file: '/usr/bin/strace', packages: ['strace'] },
  { name: 'ext4 tools', file: '/usr/sbin/mkfs.ext4', packages: ['e2fsprogs'] },
  { name: 'nginx', file: '/usr/sbin/nginx', packages: ['nginx-light'] },
  { name: 'docker-compose', file: '/usr/bin/docker-compose', packages: ['docker-compose'] },
  { name: 'promtool', file: '/usr/bin/promtool', packages: ['prometheus'] },
  {
    name: 'rsyslog with TLS',
    file: '/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so',
    packages: ['rsyslog', 'rsyslog-openssl'],
  },
  { name: 'jing', file: '/usr/bin/jing', packages: ['jing'] },
  { name: 'Chromium', file: '/usr/bin/chromium', packages: ['chromium'] },
];

function missingPeers() {
  return PEERS.filter((peer) => !existsSync(peer.file));
}

/** The same for peers that come as npm packages. */
const NPM_PEERS: readonly { name: string; installed: () => boolean; install: () => void }[] = [
  {
    name: 'schemas of CycloneDX',
    installed: () => npmPeerInstalled(CYCLONEDX),
    install: () => fetchNpmPeer(CYCLONEDX),
  },
  { name: 'OHIF', installed: () => npmPeerInstalled(OHIF), install: () => fetchNpmPeer(OHIF) },
  { name: 'pm2 and the schemas of Kubernetes', installed: programsInstalled, install: installPrograms },
];

const wanted = process.env.DEEP_HEALTH_TEST_INSTALL !== '0';

function mayInstall(): boolean {
  return (
    wanted && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version')
  );
}

function fetchNpmPeers(say: (line: string) => void): void {
  for (const { name, installed, install } of NPM_PEERS) {
    if (installed()) continue;
    say(`fetching ${name} for the tests`);
    try {
      install();
    } catch (failure) {
      say(`${name} could not be fetched: ${failure instanceof Error ? failure.message : String(failure)}`);
    }
  }
}

/**
 * Installs the peers that are missing where that is allowed (Debian packages for root on a Debian machine, npm
 * packages into a cache folder; neither with DEEP_HEALTH_TEST_INSTALL=0) and gives the names of those that
 * are still missing. Their services are not started: every test starts its own server on its own ports.
 */
export function preparePeers(say: (line: string) => void): string[] {
  const missing = missingPeers();
  if (missing.length > 0 && mayInstall()) {
    const packages = missing.flatMap((peer) => peer.packages);
    say(`installing Debian packages for the tests: ${packages.join(' ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    spawnSync('apt-get', ['update', '-q'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    try {
      execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } catch {
      say('apt-get could not install all of them; tests that need the rest are skipped by name');
    }
  }
  if (wanted) fetchNpmPeers(say);
  return [
    ...missingPeers().map((peer) => peer.name),
    ...NPM_PEERS.filter(({ installed }) => !installed()).map(({ name }) => name),
  ];
}
