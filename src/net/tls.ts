/** TLS towards one peer (PS3.15 B.12 for DICOMweb, IHE ITI-19 for MLLP). Everything in PEM. */
export interface TlsOptions {
  /** Certificates to trust instead of the system's. */
  readonly ca?: string;
  /** Our own certificate chain, for peers that ask for one. */
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** The name to expect in the peer's certificate where it is not the host of the address. */
  readonly serverName?: string;
  /** Takes any certificate: no protection against anybody in between. For a test bench only; log it at start. */
  readonly dangerouslyAcceptAnyCertificate?: boolean;
}

/** The part of the options of `tls.connect` that is decided here; undici's connector takes the same. */
export interface TlsConnectOptions {
  minVersion: 'TLSv1.2';
  ciphers: string;
  rejectUnauthorized: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  passphrase?: string;
  servername?: string;
}

/** TLS 1.3 first; for 1.2 only ephemeral key exchange with AEAD ciphers (BCP 195). */
export const TLS_CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** Options for `tls.connect`: `TLS_CIPHERS`, nothing below TLS 1.2. */
export function tlsConnectOptions(options: TlsOptions = {}): TlsConnectOptions {
  return {
    minVersion: 'TLSv1.2',
    ciphers: TLS_CIPHERS,
    rejectUnauthorized: options.dangerouslyAcceptAnyCertificate !== true,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
    ...(options.serverName === undefined ? {} : { servername: options.serverName }),
  };
}

/** Whether a connection failed at TLS: certificate, name, version or handshake. */
export function isTlsFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return (
    /^(ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH$|INVALID_CA$|INVALID_PURPOSE$|CRL_)/.test(
      code,
    ) ||
    code === 'DEPTH_ZERO_SELF_SIGNED_CERT' ||
    code === 'SELF_SIGNED_CERT_IN_CHAIN'
  );
}
