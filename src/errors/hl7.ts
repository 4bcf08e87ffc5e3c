import { errorTable } from './kinds.ts';

/** Messages to the RIS: MLLP transport, acknowledgements (HL7 v2.5.1 2.9), building. */
export const HL7_ERRORS = errorTable({
  'mllp.unreachable': {
    retry: 'transient',
    meaning: 'No connection to the HL7 receiver could be made.',
    remedy: 'Check that the receiver runs, and its host, port and firewall.',
  },
  'mllp.tls': {
    retry: 'transient',
    meaning: 'The TLS handshake with the HL7 receiver failed.',
    remedy: "Check the receiver's certificate, the configured CA and the client certificate.",
  },
  'mllp.no-ack': {
    retry: 'ambiguous',
    meaning: 'The HL7 receiver did not acknowledge the message in time.',
    remedy: 'Check the receiver; the same message is sent again.',
  },
  'mllp.wrong-id': {
    retry: 'ambiguous',
    meaning: 'The HL7 receiver only acknowledged messages with other control ids in time.',
    remedy: 'Check that the receiver copies MSH-10 into MSA-2; the same message is sent again.',
  },
  'mllp.connection-lost': {
    retry: 'ambiguous',
    meaning: 'The connection broke after the message was sent and before it was acknowledged.',
    remedy: 'Check the network and the receiver; the same message is sent again.',
  },
  'mllp.garbled': {
    retry: 'ambiguous',
    meaning: 'The HL7 receiver answered with something that is not an acknowledgement, and nothing else.',
    remedy: 'Check that the port is an MLLP receiver; the same message is sent again.',
  },
  'mllp.closed': {
    retry: 'transient',
    meaning: 'This service is stopping; the message was not sent.',
    remedy: 'Nothing: it is sent after the start.',
  },
  'mllp.unsendable': {
    retry: 'permanent',
    meaning: 'The message has no MSH-10, or holds bytes that MLLP uses for framing.',
    remedy: 'Report it to the makers of this service.',
  },
  'hl7.application-error': {
    retry: 'transient',
    attempts: 5,
    meaning: 'The receiver answered AE: it could not process the message.',
    remedy: "Look into the receiver's log by the message control id.",
  },
  'hl7.application-reject': {
    retry: 'permanent',
    meaning: 'The receiver answered AR: it rejects the message.',
    remedy: 'Check message type, version, processing id and field formats that the receiver expects.',
  },
  'hl7.commit-error': {
    retry: 'transient',
    attempts: 5,
    meaning: 'The receiver answered CE: it could not store the message.',
    remedy: "Look into the receiver's log by the message control id.",
  },
  'hl7.commit-reject': {
    retry: 'permanent',
    meaning: 'The receiver answered CR: it rejects the message.',
    remedy: 'Check message type, version, processing id and field formats that the receiver expects.',
  },
  'hl7.message-id-invalid': {
    retry: 'permanent',
    meaning: 'The message control id (MSH-10) is not 1 to 20 plain characters.',
    remedy: 'Report it to the makers of this service; the message was not built.',
  },
  'hl7.identifier-unencodable': {
    retry: 'permanent',
    meaning:
      'An identifier of the patient or the order holds a character that the message’s character set lacks.',
    remedy:
      'Set the character set of this receiver to UTF-8; an identifier is never sent with other characters.',
  },
});
