let gone = false;

/**
 * Keeps a reader that goes away (`deep-health … | head`) from ending the process with a stack trace: what is
 * being written is finished, and commands that only print ask `readerLeft`. Called once, before any output.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (stream === process.stdout) gone = true;
    });
  }
}

/** Whether nobody reads stdout any more. */
export function readerLeft(): boolean {
  return gone;
}
