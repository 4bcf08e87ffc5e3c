import { errorTable } from './kinds.ts';

/**
 * DICOMweb in both directions. What is wrong with the peer as a whole (unreachable, password, certificate)
 * is transient, so that a backlog drains by itself once it is mended; what is wrong with one object is
 * permanent and parks that object alone (docs/decisions/0060).
 */
export const WEB_ERRORS = errorTable({
  'web.unreachable': {
    retry: 'transient',
    meaning: 'No connection to the DICOMweb server could be made.',
    remedy: 'Check that the server runs, and its host, port and firewall.',
  },
  'web.tls': {
    retry: 'transient',
    meaning: 'The TLS handshake with the DICOMweb server failed.',
    remedy: "Check the server's certificate, the configured CA and the client certificate.",
  },
  'web.store-missing': {
    retry: 'permanent',
    meaning: 'The PACS has no STOW-RS service below its address.',
    remedy: 'Check `pacs[].url` and the DICOMweb set-up of the PACS, or set its `pacs[].store` to false.',
  },
  'web.timeout': {
    retry: 'transient',
    meaning: 'The DICOMweb server did not answer in time.',
    remedy: 'Check the load of the server, or raise `pacs[].timeout`.',
  },
  'web.cut-off': {
    retry: 'transient',
    meaning: 'The answer of the DICOMweb server ended before it was complete.',
    remedy: 'Check the network and proxies between the service and the server.',
  },
  'web.unauthorized': {
    retry: 'transient',
    meaning: 'The DICOMweb server refused our credentials (401 or 403).',
    remedy: "Check user, password, token or client certificate, and the account's rights.",
  },
  'web.token-refused': {
    retry: 'transient',
    meaning: 'The OAuth2 token endpoint or the token file gave no usable token.',
    remedy: 'Check token URL, client id, client secret and scope, or the token file.',
  },
  'web.busy': {
    retry: 'transient',
    meaning: 'The DICOMweb server is busy (429 or 503).',
    remedy: 'Nothing, if it passes; else check the load of the server.',
  },
  'web.server-error': {
    retry: 'transient',
    meaning: 'The DICOMweb server failed at a query or retrieval (5xx).',
    remedy: "Look into the server's log.",
  },
  'web.redirect-refused': {
    retry: 'transient',
    meaning:
      'The DICOMweb server redirected to another origin, in a loop, or where a redirect makes no sense.',
    remedy: 'Put the final address into the configuration; redirects to other origins are not followed.',
  },
  'web.unexpected-status': {
    retry: 'transient',
    meaning: 'The DICOMweb server answered with a status that makes no sense for the request.',
    remedy: 'Check that the configured URL is the root of a DICOMweb service.',
  },
  'web.answer-malformed': {
    retry: 'transient',
    meaning: 'The answer of the DICOMweb server is not what its media type promises.',
    remedy: 'Check that the configured URL is a DICOMweb service and not, for instance, a login page.',
  },
  'web.answer-too-large': {
    retry: 'permanent',
    meaning: 'The answer of the DICOMweb server is larger than is taken.',
    remedy:
      'If it was a real film, raise `server.maxFilm`. Lists and metadata over 64 MiB are never taken: look what the server sends.',
  },
  'web.bad-request': {
    retry: 'permanent',
    meaning: 'The DICOMweb server rejected a query or retrieval as wrong (400).',
    remedy: "Look into the server's log for what it does not support.",
  },
  'web.query-too-broad': {
    retry: 'transient',
    meaning: 'The DICOMweb server has more matches for a single day than it gives out, or than are read.',
    remedy: "Raise the server's limit of query results, or use push instead of polling.",
  },
  'web.not-found': {
    retry: 'permanent',
    meaning: 'The DICOMweb server no longer has, or does not know, the object (404 or 410).',
    remedy: 'Check whether the study was deleted or moved in the PACS.',
  },
  'web.not-acceptable': {
    retry: 'permanent',
    meaning: 'The DICOMweb server gives the object in none of the forms that were asked for (406).',
    remedy: 'Check which transfer syntaxes the server can deliver.',
  },
  'web.wrong-instance': {
    retry: 'permanent',
    meaning: 'The retrieved object has other UIDs than the one that was asked for.',
    remedy: 'Check the consistency of the archive: its index and its files disagree.',
  },
  'web.bad-uid': {
    retry: 'permanent',
    meaning: 'A UID is not a DICOM UID (digits and dots, at most 64 characters).',
    remedy: 'Mend the UID where the request comes from.',
  },

  'stow.out-of-resources': {
    retry: 'transient',
    meaning: 'The PACS has no room for the object (failure reason A7xx).',
    remedy: 'Free storage in the PACS; the object is sent again by itself.',
  },
  'stow.processing-failure': {
    retry: 'transient',
    attempts: 5,
    meaning: 'The PACS failed while storing the object (failure reason 0110).',
    remedy: "Look into the PACS's log.",
  },
  'stow.class-mismatch': {
    retry: 'permanent',
    meaning: 'The PACS says that the object does not match its SOP class or study (failure reason A9xx).',
    remedy: "Look into the PACS's log, and report it to the makers of this service.",
  },
  'stow.cannot-understand': {
    retry: 'permanent',
    meaning: 'The PACS cannot understand the object (failure reason Cxxx).',
    remedy: "Look into the PACS's log, and report it to the makers of this service.",
  },
  'stow.transfer-syntax': {
    retry: 'permanent',
    meaning: 'The PACS does not take the transfer syntax of the object (failure reason C122).',
    remedy: 'Allow Explicit VR Little Endian in the PACS.',
  },
  'stow.class-unsupported': {
    retry: 'permanent',
    meaning: 'The PACS does not take objects of this SOP class (failure reason 0122).',
    remedy: 'Allow the SOP class in the PACS, or configure the report as Comprehensive SR.',
  },
  'stow.duplicate': {
    retry: 'permanent',
    meaning: 'The PACS refuses the object as a duplicate (failure reason 0111) but does not show it.',
    remedy: 'Look whether the object was deleted or quarantined in the PACS.',
  },
  'stow.refused': {
    retry: 'permanent',
    meaning: 'The PACS refused the object with a failure reason of its own or with none.',
    remedy: "Look the reason up in the PACS's conformance statement.",
  },
  'stow.bad-request': {
    retry: 'permanent',
    meaning: 'The PACS rejected the store request as wrong (400).',
    remedy: "Look into the PACS's log.",
  },
  'stow.too-large': {
    retry: 'permanent',
    meaning: 'The store request is larger than the PACS or a proxy before it accepts (413).',
    remedy: "Raise the proxy's or the PACS's limit of request size.",
  },
  'stow.media-type': {
    retry: 'permanent',
    meaning: 'The PACS does not take multipart/related application/dicom (415).',
    remedy: 'Check that the configured URL is a STOW-RS service.',
  },
  'stow.conflict': {
    retry: 'permanent',
    meaning: 'The PACS stored nothing (409) and gave no reason.',
    remedy: "Look into the PACS's log.",
  },
  'stow.unconfirmed': {
    retry: 'ambiguous',
    meaning: 'The PACS answered the store request but neither names the object nor shows it in a query.',
    remedy: "Look into the PACS's log if it repeats; the same bytes are sent again.",
  },
  'stow.no-answer': {
    retry: 'ambiguous',
    meaning: 'The object was sent, but the PACS gave no complete answer and does not show it in a query.',
    remedy: 'Check the network and the PACS; the same bytes are sent again.',
  },
  'stow.server-error': {
    retry: 'ambiguous',
    meaning: 'The PACS failed at the store request (5xx) and does not show the object in a query.',
    remedy: "Look into the PACS's log; the same bytes are sent again.",
  },

  'multipart.malformed': {
    retry: 'transient',
    meaning: 'A multipart message is not built as RFC 2046 says.',
    remedy: 'Check the sender, and the proxies between it and this service.',
  },
  'multipart.cut-off': {
    retry: 'transient',
    meaning: 'A multipart message ended before its closing delimiter.',
    remedy: 'Check the network and the sender; it has to send again.',
  },
  'multipart.too-large': {
    retry: 'permanent',
    meaning: 'A part of a multipart message is larger than the configured limit.',
    remedy: 'If it is a real film, raise `server.maxFilm`.',
  },
  'multipart.too-many-parts': {
    retry: 'permanent',
    meaning: 'A multipart message has more than a thousand parts.',
    remedy: 'Let the sender split its request.',
  },

  'receive.stalled': {
    retry: 'transient',
    meaning: 'The sender of a STOW-RS request stopped sending, or sent too slowly.',
    remedy: 'Check the network and the sender; it has to send again.',
  },
  'receive.too-large': {
    retry: 'permanent',
    meaning: 'A STOW-RS request is larger than the configured limit.',
    remedy: 'Let the sender split its request, or raise `server.maxRequest`.',
  },
  'receive.not-dicom': {
    retry: 'permanent',
    meaning: 'A part of a STOW-RS request is not a readable DICOM file.',
    remedy: 'Check what the sender sends.',
  },
});
