import type { StudyUid } from '../ledger/uids.ts';

/** A study whose request has ended is waited for as long as its sender may go on with it. */
export interface QuietSenders {
  /**
   * A request of this sender begins.
   * @returns to be called when it was answered, with the studies that it completed
   */
  began(sender: string): (completed: readonly StudyUid[]) => void;
}

export interface QuietOptions {
  /** How long a sender must send nothing, in milliseconds; asked for each time, a reload may change it. */
  quietMs(): number;
  /** The studies' sender went quiet. Must not reject. */
  onQuiet(studies: readonly StudyUid[]): void;
}

/**
 * Studies that are remembered of a sender that is never quiet. What is forgotten settles by its time in the ledger, which
 * is what happens to all studies of such a sender.
 */
const MOST_STUDIES = 1000;

interface Sender {
  underWay: number;
  readonly studies: Set<StudyUid>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Many senders push a study film by film, each in a request of its own: one request that ends is no evidence
 * that the study is complete while the same sender is already at the next. So its studies are complete when it
 * has been quiet for a moment, which may be short, because the next request of such a sender follows at once.
 * A sender that is never quiet (a busy router) is no concern of this: the ledger settles its studies by time.
 */
export function quietSenders({ quietMs, onQuiet }: QuietOptions): QuietSenders {
  const senders = new Map<string, Sender>();
  return {
    began(name) {
      const sender = senders.get(name) ?? { underWay: 0, studies: new Set(), timer: undefined };
      senders.set(name, sender);
      sender.underWay += 1;
      clearTimeout(sender.timer);
      return (completed) => {
        sender.underWay -= 1;
        for (const study of completed) sender.studies.add(study);
        for (const oldest of sender.studies) {
          if (sender.studies.size <= MOST_STUDIES) break;
          sender.studies.delete(oldest);
        }
        if (sender.underWay > 0) return;
        sender.timer = setTimeout(() => {
          senders.delete(name);
          if (sender.studies.size > 0) onQuiet([...sender.studies]);
        }, quietMs()).unref();
      };
    },
  };
}
