import { DCM } from '../codes.ts';
import { code, type ObservationContext, observedIn } from '../content.ts';
import { type DeviceObserver, deviceObserver } from './tid1004.ts';

/** TID 1002 Observer Context (PS3.16) for a device: row 1 and TID 1004. */
export function observerContext(device: DeviceObserver): ObservationContext[] {
  return [observedIn(code(DCM.observerType, DCM.device)), ...deviceObserver(device)];
}
