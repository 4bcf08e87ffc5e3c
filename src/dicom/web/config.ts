import type { TlsOptions } from '../../net/tls.ts';

/** How we show a DICOMweb server who we are; a client certificate stands in `tls` and goes with any of them. */
export type DicomWebAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** The token stands in a file that somebody else renews; it is read again when the server says 401. */
  | { readonly kind: 'bearer'; readonly tokenFile: string }
  | {
      readonly kind: 'oauth2';
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope?: string;
      /** Some token servers want the resource named. */
      readonly audience?: string;
      /** Where the client's id and secret stand (RFC 6749 2.3.1); default `header`. */
      readonly credentials?: 'header' | 'body';
    };

/** Milliseconds. */
export interface DicomWebTimeouts {
  readonly connect: number;
  /** From the request's end to the answer's header. A PACS may verify a store for long. */
  readonly headers: number;
  /** Between two pieces of the answer's body. */
  readonly body: number;
  /** A whole query or store answer, or one retrieval, however steadily it drips. */
  readonly total: number;
}

export const DICOM_WEB_TIMEOUTS: DicomWebTimeouts = {
  connect: 10_000,
  headers: 60_000,
  body: 30_000,
  total: 600_000,
};

/** Bytes. */
export interface DicomWebLimits {
  /** One answer in JSON or XML. */
  readonly document: number;
  /** One retrieved instance. */
  readonly instance: number;
}

export const DICOM_WEB_LIMITS: DicomWebLimits = {
  document: 64 * 1024 * 1024,
  instance: 200 * 1024 * 1024,
};

/** One DICOMweb server. */
export interface DicomWebConfig {
  /** Our name for it, for messages. */
  readonly name: string;
  /** Root of its DICOMweb services, `https://host/dicom-web`. */
  readonly url: string;
  readonly auth?: DicomWebAuth;
  readonly tls?: TlsOptions;
  readonly timeouts?: Partial<DicomWebTimeouts>;
  readonly limits?: Partial<DicomWebLimits>;
  /** Connections at once; default 4. */
  readonly connections?: number;
  /** Studies or instances asked for per page of a query; default 100. */
  readonly pageSize?: number;
  /** Hears what is odd but no failure; never holds patient data. */
  readonly onNotice?: (notice: WebNotice) => void;
}

/** Something about the server that an admin may want to know. */
export interface WebNotice {
  readonly code:
    | 'unchecked-certificate'
    | 'rows-filtered'
    | 'rows-malformed'
    | 'order-unstable'
    | 'includefield-refused'
    | 'stored-with-warning'
    | 'confirmed-by-query';
  readonly message: string;
}
