/** How a word is set off on a terminal; plain text elsewhere, so that output can be compared and searched. */
export type Style = (text: string, style: 'good' | 'bad' | 'warn' | 'dim' | 'strong') => string;

const CODES = { good: '32', bad: '31', warn: '33', dim: '2', strong: '1' } as const;

export function styleFor(colour: boolean): Style {
  return (text, style) => (colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}
