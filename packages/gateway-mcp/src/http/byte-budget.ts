/** Bytes that all sessions together may hold. */
export class ByteBudget {
  private taken = 0;

  constructor(private readonly limit: number) {}

  /** False where there is not so much left; then nothing is taken. */
  take(bytes: number): boolean {
    if (this.taken + bytes > this.limit) return false;
    this.taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.taken -= bytes;
  }

  get used(): number {
    return this.taken;
  }
}
