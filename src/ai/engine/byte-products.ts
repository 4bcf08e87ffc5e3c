/**
 * Whether onnxruntime's fast product of unsigned with signed bytes saturates on this processor. On x64
 * without VNNI it adds pairs of products in 16 bits, where the largest ones do not fit: an int8 network then
 * gives other probabilities than the ones its model card tells, without any error. There the slower exact
 * product is asked for (session.x64quantprecision); with VNNI it gives the same bits and costs twice the time.
 *
 * @param arch as `process.arch`
 * @param cpuinfo what /proc/cpuinfo says; null where there is none, which counts as without VNNI
 */
export function byteProductsSaturate(arch: string, cpuinfo: string | null): boolean {
  if (arch !== 'x64') return false;
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo ?? '')?.[1]?.split(/\s+/) ?? [];
  return !flags.includes('avx512_vnni') && !flags.includes('avx_vnni');
}
