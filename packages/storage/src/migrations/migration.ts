/** One step of the schema. Each runs in a transaction of its own, so that it is either there or not. */
export interface Migration {
  /** 1, 2, 3, … without a gap. */
  readonly version: number;
  readonly name: string;
  /** Statements, separated by semicolons, without parameters. */
  readonly up: string;
  /** Takes back exactly what `up` made. */
  readonly down: string;
}
