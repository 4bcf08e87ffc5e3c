/** A pause that ends at its time or when it is woken, whichever comes first. */
export interface Pause {
  wait(ms: number): Promise<void>;
  /** Ends the pause in hand; one that begins later is not shortened unless `wake` came in between. */
  wake(): void;
}

export function pause(): Pause {
  let woken = false;
  let end: (() => void) | undefined;
  return {
    async wait(ms) {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      end = undefined;
      woken = false;
    },
    wake() {
      woken = true;
      end?.();
    },
  };
}
