/** Where a rule found something in a text; offsets are UTF-16 units, `end` exclusive. */
export interface TextMatch {
  readonly rule: string;
  readonly start: number;
  readonly end: number;
}
