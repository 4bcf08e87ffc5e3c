import { errorTable } from './kinds.ts';

/** Building the structured reports, the heat map and their bytes. */
export const REPORT_ERRORS = errorTable({
  'report.content-invalid': {
    retry: 'permanent',
    meaning: 'A part of the report would break the DICOM standard, so the report was not built.',
    remedy: 'Check the report, station and model texts in the configuration; if they are sound, report it.',
  },
  'report.reading-invalid': {
    retry: 'permanent',
    meaning: 'The reading holds no usable probabilities, or says things that exclude each other.',
    remedy:
      'Check the model folder with `deep-health evaluate`; a reading without numbers is never reported.',
  },
  'report.identity-missing': {
    retry: 'permanent',
    meaning: 'The film lacks a UID (study, series, SOP class or SOP instance), so no report can point to it.',
    remedy: 'Have the system that wrote the film looked at; the PACS can often mend the header.',
  },
  'report.films-mixed': {
    retry: 'permanent',
    meaning: 'The films of one report belong to different studies or were read by different models.',
    remedy: 'Report each study on its own.',
  },
  'report.zone-invalid': {
    retry: 'permanent',
    meaning: 'The time zone of the site or the time of the analysis is not a real one.',
    remedy: 'Give an IANA name such as Europe/Berlin as the time zone.',
  },
  'report.picture-invalid': {
    retry: 'permanent',
    meaning: 'The pixels of the picture that was to be stored do not match its size.',
    remedy: 'Report it; the heat map was not stored.',
  },
});
