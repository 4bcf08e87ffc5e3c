import { errorTable } from './kinds.ts';

/** Models, engines, and the films and labels that `evaluate` and `retrain` are given. */
export const AI_ERRORS = errorTable({
  'model.missing': {
    retry: 'permanent',
    meaning: 'The model folder has no manifest.json.',
    remedy: 'Point `model` (or --model) at a folder that holds manifest.json and the files it names.',
  },
  'model.manifest': {
    retry: 'permanent',
    meaning: 'The manifest of the model is not valid.',
    remedy:
      'Mend the value that the message names, or take the model folder from its source again. A model that was retrained on a base of another preparation has to be retrained on the base of this version.',
  },
  'model.format': {
    retry: 'permanent',
    meaning: 'The manifest of the model has a format that this version does not know.',
    remedy: 'Update Deep Health, or use a model that was made for this version.',
  },
  'model.labels': {
    retry: 'permanent',
    meaning: 'The model does not tell exactly the classes that this version reports.',
    remedy: 'Use a model with the labels normal, bacterial-pneumonia and viral-pneumonia.',
  },
  'model.file-missing': {
    retry: 'permanent',
    meaning: 'A file that the manifest names is not in the model folder.',
    remedy: 'Copy the model folder again, whole.',
  },
  'model.digest': {
    retry: 'permanent',
    meaning: 'A file of the model is not the one that the manifest was made for (size or SHA-256 differ).',
    remedy: 'Copy the model folder again; if the file was changed on purpose, make a new version by retrain.',
  },
  'model.shape': {
    retry: 'permanent',
    meaning: 'A file of the model holds another number of values than its part of the network needs.',
    remedy: 'Take the model folder from its source again.',
  },
  'model.network': {
    retry: 'permanent',
    meaning: 'A network file of the model cannot be run.',
    remedy: 'Take the model folder from its source again; the message says what is wrong with the file.',
  },
  'engine.unavailable': {
    retry: 'permanent',
    meaning: 'The inference engine does not start on this machine.',
    remedy: 'Run `npm ci` again for this platform, or choose the other engine in `model.engine`.',
  },
  'engine.failed': {
    retry: 'transient',
    meaning: 'The inference engine failed in the middle of a run.',
    remedy: 'It is tried again; if it stays, look at the free memory and lower `model.batch`.',
  },
  'evaluate.no-films': {
    retry: 'permanent',
    meaning: 'No labelled film was found in the folder.',
    remedy: 'Give a folder of class folders (NORMAL, PNEUMONIA, ...), or films with a CSV of labels.',
  },
  'evaluate.labels': {
    retry: 'permanent',
    meaning: 'The CSV of labels cannot be used.',
    remedy: 'It needs a header with a film column (file, SOPInstanceUID, ...) and a label column.',
  },
  'evaluate.output': {
    retry: 'permanent',
    meaning: 'The figures and the page of an evaluation cannot be written.',
    remedy: 'Give --out a folder that can be written, on a disk with space.',
  },
  'retrain.class-without-films': {
    retry: 'permanent',
    meaning: 'A class has no film that could be read.',
    remedy: 'Add films of every class: normal, bacterial pneumonia, viral pneumonia.',
  },
  'retrain.too-few-patients': {
    retry: 'permanent',
    meaning: 'A class has films of too few patients to set some aside for validation.',
    remedy: 'Add films of other patients; the films of one patient are never split.',
  },
  'retrain.base': {
    retry: 'permanent',
    meaning: 'The model cannot be the base of a retraining.',
    remedy: 'Choose a complete model folder with the three labels as --base.',
  },
  'retrain.output': {
    retry: 'permanent',
    meaning: 'The folder for the new model cannot be written, or holds another model.',
    remedy: "Give --out a new or empty folder on a disk with space, not the base model's own.",
  },
  'retrain.interrupted': {
    retry: 'transient',
    meaning: 'The retraining was stopped before its end.',
    remedy: 'Run the same command again: what was computed is kept and it goes on from there.',
  },
});
