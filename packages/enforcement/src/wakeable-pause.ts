/** Waits, one at a time, until the time is up or somebody says that it is. */
export class WakeablePause {
  #wake: () => void = () => undefined;

  of(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake();
  }
}
