/** The part of dcmjs that is used here; the package has no types of its own. */
declare module 'dcmjs' {
  interface DictionaryEntry {
    readonly vr: string;
  }
  const dcmjs: {
    readonly data: {
      readonly DicomMetaDictionary: {
        readonly dictionary: Readonly<Record<string, DictionaryEntry | undefined>>;
      };
    };
  };
  export default dcmjs;
}
