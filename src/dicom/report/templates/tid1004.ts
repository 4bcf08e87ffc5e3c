import { DCM } from '../codes.ts';
import { type ObservationContext, observedIn, text, uidref } from '../content.ts';

/** The device that observed. */
export interface DeviceObserver {
  readonly uid: string;
  readonly name: string;
  readonly manufacturer: string;
  readonly modelName: string;
  readonly serialNumber: string;
  /** Empty when not known. */
  readonly place: string;
}

/** TID 1004 Device Observer Identifying Attributes (PS3.16), rows 1 to 6. */
export function deviceObserver(device: DeviceObserver): ObservationContext[] {
  return [
    observedIn(uidref(DCM.deviceUid, device.uid)),
    observedIn(text(DCM.deviceName, device.name)),
    observedIn(text(DCM.deviceManufacturer, device.manufacturer)),
    observedIn(text(DCM.deviceModelName, device.modelName)),
    observedIn(text(DCM.deviceSerialNumber, device.serialNumber)),
    ...(device.place === '' ? [] : [observedIn(text(DCM.devicePlace, device.place))]),
  ];
}
