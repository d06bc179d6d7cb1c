/** Runs `beat` at once and then again and again, one at a time. */
export function startBeats(
  everyMs: number,
  beat: () => Promise<void>,
): { readonly failure: () => unknown; stop(): Promise<void> } {
  let failure: unknown;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running = run();

  async function run(): Promise<void> {
    try {
      await beat();
      failure = undefined;
    } catch (error) {
      // The next one tries again; until then whatever rests on it runs out by itself.
      failure = error;
    }
    if (stopped) return;
    timer = setTimeout(() => {
      running = run();
    }, everyMs);
    timer.unref();
  }

  return {
    failure: () => failure,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
