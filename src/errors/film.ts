import { errorTable } from './kinds.ts';

/** Files and films that come from outside: parsing, selection, decoding, grayscale. */
export const FILM_ERRORS = errorTable({
  'file.empty': {
    retry: 'permanent',
    meaning: 'The file holds no bytes.',
    remedy: 'Check how the file was exported or copied.',
  },
  'pixel.syntax-unsupported': {
    retry: 'permanent',
    meaning: 'The transfer syntax of the pixels is not one that is decoded here.',
    remedy: 'Ask the sending system for Explicit VR Little Endian, or convert the file with dcmtk or gdcm.',
  },
  'pixel.format-unsupported': {
    retry: 'permanent',
    meaning: 'The header describes pixels that are not those of a grey film (samples, bits or size).',
    remedy:
      'Check that the file is a CR or DX film; compare its Image Pixel attributes with what the modality wrote.',
  },
  'pixel.too-large': {
    retry: 'permanent',
    meaning: 'The frame is larger than the limits allow, compressed or decoded.',
    remedy: 'If it is a real film, raise the decode limits; else find out what wrote the file.',
  },
  'pixel.truncated': {
    retry: 'permanent',
    meaning: 'The pixel bytes end before the picture does.',
    remedy: 'Fetch or export the film again; the copy is not complete.',
  },
  'pixel.undecodable': {
    retry: 'permanent',
    meaning: 'The compressed pixels are damaged or not what the transfer syntax says.',
    remedy: 'Check the film in the PACS viewer; export it again or decompress it with dcmtk or gdcm.',
  },
  'pixel.size-mismatch': {
    retry: 'permanent',
    meaning: 'The compressed picture has another size than Rows and Columns say.',
    remedy: 'The file contradicts itself; have the system that wrote it looked at.',
  },
  'pixel.precision-mismatch': {
    retry: 'permanent',
    meaning: 'The compressed picture has another depth, sign or number of samples than the header can hold.',
    remedy: 'The file contradicts itself; have the system that wrote it looked at.',
  },
  'pixel.timeout': {
    retry: 'permanent',
    meaning: 'Decoding took longer than the limit and was stopped.',
    remedy: 'Check the film in a viewer; if it is sound, raise the decode time limit and retry.',
  },
  'pixel.decoder-crashed': {
    retry: 'permanent',
    meaning: 'The decoder stopped while it worked on this frame; it was replaced.',
    remedy: 'Check the film in a viewer; if it is sound, report it with the transfer syntax.',
  },
  'pixel.busy': {
    retry: 'transient',
    meaning: 'More frames wait for a decoder than the limit allows.',
    remedy: 'Nothing; it is tried again. If it lasts, lower the number of films in work or add readers.',
  },
  'pixel.decoder-closed': {
    retry: 'transient',
    meaning: 'The decoder was closed before the frame was done (the service is stopping).',
    remedy: 'Nothing; the film is taken up again after the restart.',
  },
});
