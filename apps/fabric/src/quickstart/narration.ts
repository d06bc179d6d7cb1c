const BOLD = process.stdout.isTTY ? ['\u001b[1m', '\u001b[0m'] : ['', ''];

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function title(text: string): void {
  say(`\n${BOLD[0]}${text}${BOLD[1]}\n`);
}
