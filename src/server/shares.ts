/** Places that several clients share, so that none takes them all. */
export interface Shares {
  /** Takes a place for a client; gives what releases it again (once), undefined where there is none. */
  take(client: string): (() => void) | undefined;
}

/**
 * @param places in all
 * @param each the most for one client
 */
export function createShares(places: number, each: number): Shares {
  const held = new Map<string, number>();
  let taken = 0;
  return {
    take(client) {
      const own = held.get(client) ?? 0;
      if (taken >= places || own >= each) return undefined;
      taken += 1;
      held.set(client, own + 1);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        taken -= 1;
        const left = (held.get(client) ?? 1) - 1;
        if (left === 0) held.delete(client);
        else held.set(client, left);
      };
    },
  };
}

/** One client may have half of the places. */
export function halfEach(places: number): Shares {
  return createShares(places, Math.max(1, Math.ceil(places / 2)));
}
