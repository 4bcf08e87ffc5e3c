/**
 * The text without these characters at its end. A regular expression like `/x+$/` does the same, but begins anew at
 * every x: of a name with a hundred thousand carets in its middle it takes a minute, of a million hours.
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1] as string)) end--;
  return text.slice(0, end);
}
