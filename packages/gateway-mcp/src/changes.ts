/** Lets somebody wait until something has changed, then look again. */
export class Changes {
  private waiters: (() => void)[] = [];

  announce(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.next();
  }
}
