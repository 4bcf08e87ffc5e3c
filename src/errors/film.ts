import { errorTable } from './kinds.ts';

/** Files and films that come from outside: parsing, selection, decoding, grayscale. */
export const FILM_ERRORS = errorTable({
  'file.empty': {
    retry: 'permanent',
    meaning: 'The file holds no bytes.',
    remedy: 'Check how the file was exported or copied.',
  },
  'file.too-large': {
    retry: 'permanent',
    meaning: 'The file is larger than the limit.',
    remedy:
      'If it is a real film, raise `server.maxFilm` (`classify` takes 200 MiB at most); else find out what sent it.',
  },
  'file.unknown-format': {
    retry: 'permanent',
    meaning: 'The file is neither DICOM nor JPEG nor PNG.',
    remedy: 'Give films as DICOM, JPEG or PNG; check whether the file was damaged or wrongly named.',
  },
  'file.not-dicom': {
    retry: 'permanent',
    meaning: 'The bytes are not a DICOM file.',
    remedy: 'Check what the sending system put into the message.',
  },
  'file.truncated': {
    retry: 'permanent',
    meaning: 'The file ends in the middle of an element.',
    remedy: 'Fetch or export the film again; the copy is not complete.',
  },
  'file.malformed': {
    retry: 'permanent',
    meaning: 'The structure of the DICOM file is broken.',
    remedy: 'Check the file with dcmdump or dciodvfy and have the system that wrote it looked at.',
  },
  'file.too-complex': {
    retry: 'permanent',
    meaning: 'The file holds more elements, or sequences nested deeper, than any film does.',
    remedy:
      'Find out what wrote the file. The limits are fixed, far above any film: if it is a real one, report it.',
  },
  'file.inflates-too-far': {
    retry: 'permanent',
    meaning: 'The deflated dataset inflates beyond the limit (a zip bomb does so).',
    remedy:
      'Find out what wrote the file. The limit is fixed, far above any film: if it is a real one, report it.',
  },
  'film.charset': {
    retry: 'permanent',
    meaning: 'Text that identifies patient or order cannot be decoded with the declared character set.',
    remedy: 'Correct Specific Character Set (0008,0005) or the text in the PACS, then retry the study.',
  },
  'film.not-an-image': {
    retry: 'permanent',
    meaning: 'The DICOM object is not an image, or holds no pixels.',
    remedy: 'Nothing, if it is a report or another object of the study; else check how it was exported.',
  },
  'film.own-object': {
    retry: 'permanent',
    meaning: 'The object is a result of this service, never a film to read.',
    remedy: 'Nothing.',
  },
  'film.other-object': {
    retry: 'permanent',
    meaning: 'The object is no CR or DX film.',
    remedy: 'Nothing, if it is another kind of image; else add its SOP class or modality to `select`.',
  },
  'film.secondary-capture': {
    retry: 'permanent',
    meaning: 'The object is a Secondary Capture.',
    remedy: 'If films are stored as Secondary Capture (digitisers), switch `select.secondaryCapture` on.',
  },
  'film.for-processing': {
    retry: 'permanent',
    meaning: 'The film is the raw one, FOR PROCESSING.',
    remedy: 'Have the modality send the film FOR PRESENTATION.',
  },
  'film.multi-frame': {
    retry: 'permanent',
    meaning: 'The object has several frames.',
    remedy: 'Nothing, if it is a cine or tomosynthesis; else send one film an object.',
  },
  'film.colour': {
    retry: 'permanent',
    meaning: 'The image is in colour; films are grey.',
    remedy: 'Nothing, if it is a photograph or a report page; else export the film as grey.',
  },
  'film.derived': {
    retry: 'permanent',
    meaning: 'The picture was computed from a film (bone-suppressed, enhanced, localizer).',
    remedy: 'Nothing; the original film of the study is read.',
  },
  'film.body-part': {
    retry: 'permanent',
    meaning: 'The film shows another part of the body than the chest.',
    remedy: 'Nothing, if that is so; else correct Body Part Examined or adapt `select.bodyParts`.',
  },
  'film.not-frontal': {
    retry: 'permanent',
    meaning: 'The film is a lateral, oblique or other non-frontal view.',
    remedy: 'Nothing, if that is so; else correct View Position or adapt `select.viewPositions`.',
  },
  'film.body-part-unknown': {
    retry: 'permanent',
    meaning: 'Nothing tells, or the header contradicts itself on, which part of the body the film shows.',
    remedy:
      'Have Body Part Examined filled in, add the words of your protocols to `select.bodyWords`, or set `select.unknownView: flag`.',
  },
  'film.view-unknown': {
    retry: 'permanent',
    meaning: 'Nothing tells, or the header contradicts itself on, which view the film is.',
    remedy:
      'Have View Position filled in, add the words of your protocols to `select.viewWords`, or set `select.unknownView: flag`.',
  },
  'film.too-small': {
    retry: 'permanent',
    meaning: 'The film is smaller than a chest film is (a thumbnail, a cut-out).',
    remedy: 'Send the film in full size, or lower `select.minSide`.',
  },
  'film.odd-shape': {
    retry: 'permanent',
    meaning: 'The film is much longer than wide or the other way round.',
    remedy: 'Check that the file is a chest film; else adapt `select.minAspect` and `select.maxAspect`.',
  },
  'film.blank': {
    retry: 'permanent',
    meaning: 'All pixels of the film have the same value.',
    remedy: 'Check the film in a viewer; export it again.',
  },
  'picture.undecodable': {
    retry: 'permanent',
    meaning: 'The JPEG or PNG file is damaged.',
    remedy: 'Export the picture again; check that it opens in a viewer.',
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
    remedy:
      'Find out what wrote the file. The limits are fixed, far above any film: if it is a real one, report it.',
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
    remedy:
      'If the machine was overloaded, retry the study. If it stays, check the film in a viewer; if it is sound, report it with the transfer syntax.',
  },
  'pixel.decoder-crashed': {
    retry: 'permanent',
    meaning: 'The decoder stopped while it worked on this frame; it was replaced.',
    remedy: 'Check the film in a viewer; if it is sound, report it with the transfer syntax.',
  },
  'pixel.busy': {
    retry: 'transient',
    meaning: 'More frames wait for a decoder than the limit allows.',
    remedy: 'Nothing; it is tried again. If it lasts, add readers.',
  },
  'pixel.decoder-closed': {
    retry: 'transient',
    meaning: 'The decoder was closed before the frame was done (the service is stopping).',
    remedy: 'Nothing; the film is taken up again after the restart.',
  },
});
