import type { ModelIdentity } from '../../ai/reading.ts';
import type { DicomDataset } from '../dataset.ts';
import { codeItem, element } from './encode.ts';
import type { Algorithm, ReportOptions, Station } from './input.ts';
import { fitted, withoutControls } from './legal.ts';
import { hashedUid } from './uid.ts';

/** A configured or model text as one legal value of a VR: controls and backslashes replaced, cut to length. */
export function fitting(value: string, max: number): string {
  return fitted(withoutControls(value, 'none').replaceAll('\\', '/').trim(), max);
}

/** The UID of this model on this installation: a retrained model is another device (IHE AIR). */
export function deviceUid(station: Station, model: ModelIdentity): string {
  return hashedUid('device', fitting(station.serialNumber, 64), model.name, model.sha256);
}

/** Manufacturer or model name, legal and never empty: the Device Observer rows are mandatory. */
export function deviceTexts(station: Station) {
  return {
    name: fitting(station.name, 16) || 'DEEPHEALTH',
    manufacturer: fitting(station.manufacturer, 64) || 'Deep Health project',
    modelName: fitting(station.modelName, 64) || 'Deep Health',
    serialNumber: fitting(station.serialNumber, 64) || 'unknown',
    version: fitting(station.version, 64) || 'unknown',
    institution: fitting(station.institution ?? '', 64),
    place: fitting(station.place ?? '', 64),
  };
}

/** General Equipment (PS3.3 C.7.5.1): ours, never the film's. */
export function generalEquipment(station: Station, model: ModelIdentity): DicomDataset {
  const device = deviceTexts(station);
  return {
    '00080070': element('LO', device.manufacturer),
    ...(device.institution === '' ? {} : { '00080080': element('LO', device.institution) }),
    '00081010': element('SH', device.name),
    '00081090': element('LO', device.modelName),
    '00181000': element('LO', device.serialNumber),
    '00181020': element('LO', device.version, fitting(`model ${model.version}`, 64)),
  };
}

/** The model as Contributing Equipment (PS3.3 C.12.1, IHE AIR): one item an algorithm. */
export function contributingEquipment(
  station: Station,
  algorithm: Algorithm,
  model: ModelIdentity,
  purpose: ReportOptions['equipmentPurpose'],
): DicomDataset {
  const { manufacturer } = deviceTexts(station);
  const description = algorithm.description ?? 'Chest film classifier';
  return {
    '00080070': element('LO', manufacturer),
    '00081090': element('LO', fitting(model.name, 64)),
    '00181002': element('UI', deviceUid(station, model)),
    '00181020': element('LO', fitting(model.version, 64)),
    '0018A003': element('ST', fitting(`${description}, sha256:${model.sha256}`, 1024)),
    '0040A170': element('SQ', codeItem(purpose)),
  };
}

/** The device as author of a report (PS3.3 C.17.2, Author Observer Sequence). */
export function authorObserver(station: Station, model: ModelIdentity): DicomDataset {
  const device = deviceTexts(station);
  return {
    '00080070': element('LO', device.manufacturer),
    '00080080': device.institution === '' ? element('LO') : element('LO', device.institution),
    '00080082': element('SQ'),
    '00081010': element('SH', device.name),
    '00081090': element('LO', device.modelName),
    '00181002': element('UI', deviceUid(station, model)),
    '0040A084': element('CS', 'DEV'),
  };
}
