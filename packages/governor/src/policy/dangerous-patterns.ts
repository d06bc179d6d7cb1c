import type { TextScanner } from './text-scanner.ts';

// What a change may not bring in, however it is spelled. Every pattern is linear: each repeat is bounded, or stops at the
// end of a line that is looked at once.

interface DangerousPattern {
  readonly name: string;
  readonly pattern: RegExp;
  readonly holds?: (found: string) => boolean;
}

const SHELL = String.raw`(?:\S{0,100}\/)?(?:ba|z|da|k|c|tc)?sh\b`;

export const DANGEROUS_PATTERNS: readonly DangerousPattern[] = [
  {
    name: 'remove-recursively',
    // Options in any order and number, also behind the operands and as a list of arguments.
    pattern: /(?<![\w.-])rm\b["']?[\s,]+[^\n;&|]{0,300}/gi,
    holds: (found) => {
      const options = found.split(/[\s"'`,()[\]]+/).filter((word) => /^-+[a-z]/i.test(word));
      const has = (letter: RegExp, word: string) =>
        options.some((option) => (option.startsWith('--') ? option.startsWith(word) : letter.test(option)));
      return has(/r/i, '--r') && has(/f/i, '--f');
    },
  },
  {
    name: 'remove-recursively-in-code',
    pattern: /\bshutil\s{0,20}\.\s{0,20}rmtree\b|\bFileUtils\s{0,20}\.\s{0,20}rm_rf\b/gi,
  },
  {
    name: 'overwrite-device',
    pattern:
      /\bmkfs(?:\.\w{1,10})?\s+\S|\bdd\s[^\n;&|]{0,200}\bof=\/dev\/|>\s{0,20}\/dev\/(?:sd|hd|vd|nvme|mem|kmem)/gi,
  },
  // A method of that name, as of a regular expression, is another thing.
  { name: 'evaluate-text', pattern: /(?<![\w.$])(?:eval|exec|execfile)\s{0,20}\(/gi },
  {
    name: 'evaluate-text-indirectly',
    pattern:
      /\beval\s{0,20}\)\s{0,20}\(|\b(?:builtins__|builtins|window|globalThis|global|self)\s{0,20}(?:\.\s{0,20}|\[\s{0,20}["'])(?:eval|exec)\b|\bnew\s{1,20}Function\s{0,20}\(|\bgetattr\s{0,20}\(\s{0,20}(?:os|sys|subprocess|builtins|__builtins__)\b/gi,
  },
  {
    name: 'start-process',
    pattern:
      /\b(?:import|from)\s{1,20}(?:[\w., \t]{0,200},[ \t]{0,20})?subprocess\b|\bsubprocess\s{0,20}\.\s{0,20}\w|\bPopen\s{0,20}\(|\bchild_process\b|\bgetRuntime\s{0,20}\(\s{0,20}\)\s{0,20}\.\s{0,20}exec\b|\bpty\s{0,20}\.\s{0,20}spawn\b/gi,
  },
  {
    name: 'system-call',
    pattern:
      /\bos\s{0,20}\.\s{0,20}(?:system|popen[2-4]?|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|startfile)\b|\bfrom\s{1,20}os\s{1,20}import\b[^\n]{0,200}\b(?:system|popen|exec[lv]p?e?)\b/gi,
  },
  {
    name: 'import-by-name',
    pattern: /\b__import__\b|\bimportlib\s{0,20}\.\s{0,20}import_module\b/gi,
  },
  {
    name: 'load-objects',
    pattern: /\b(?:c?pickle|marshal|shelve|dill)\s{0,20}\.\s{0,20}(?:loads?|open|Unpickler)\b/gi,
  },
  {
    name: 'download-and-run',
    pattern: new RegExp(
      String.raw`\b(?:curl|wget|fetch)\b[^\n|;]{0,500}\|\s{0,20}(?:sudo\s{1,20})?(?:env\s{1,20})?(?:${SHELL}|python[0-9.]{0,5}\b|node\b|perl\b|ruby\b)|\b(?:ba|z|da|k)?sh\b[^\n]{0,80}(?:<\(|\$\(|${'`'})\s{0,20}(?:curl|wget)\b|\b(?:eval|source|\.)\s{1,20}["']?(?:<\(|\$\(|${'`'})\s{0,20}(?:curl|wget)\b`,
      'gi',
    ),
  },
  {
    name: 'decode-and-run',
    pattern: new RegExp(
      String.raw`\b(?:base64|xxd|openssl)\b[^\n|;]{0,200}\|\s{0,20}(?:sudo\s{1,20})?(?:${SHELL}|python[0-9.]{0,5}\b|node\b|perl\b)`,
      'gi',
    ),
  },
  {
    name: 'remote-shell',
    pattern: /\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)\b[^\n;&|]{0,80}\s-[a-z]{0,10}[ec]\b/gi,
  },
  { name: 'open-permissions', pattern: /\bchmod\s{1,20}(?:-\w{1,5}\s{1,20}){0,3}(?:0?777\b|a\+rwx\b)/gi },
  // Text that is read in another order than it runs (CVE-2021-42574).
  { name: 'hidden-order', pattern: /[\u202a-\u202e\u2066-\u2069]/g },
];

/** What a test command may not do besides: tests have no network, and need none of this. */
const COMMAND_PATTERNS: readonly DangerousPattern[] = [
  {
    name: 'network-tool',
    pattern:
      /(?<![\w.:/-])(?:\S{0,100}\/)?(?:curl|wget|nc|ncat|netcat|ssh|scp|sftp|rsync|telnet|ftp|tftp|socat|nslookup|dig|ping)(?![\w.=-])/gi,
  },
  {
    name: 'other-rights',
    pattern:
      /(?<![\w.:/-])(?:\S{0,100}\/)?(?:sudo|su|doas|pkexec|unshare|nsenter|setpriv|mount|umount|chroot|bwrap|docker|podman|kubectl)(?![\w.=-])/gi,
  },
  { name: 'git-remote', pattern: /\bgit\b[^\n;&|]{0,200}\b(?:push|fetch|pull|clone|remote|config)\b/gi },
];

/** The built-in patterns but those that the policy allows by name. */
export function dangerousScanner(allowed: readonly string[]): TextScanner {
  const kept = (patterns: readonly DangerousPattern[]) =>
    patterns.filter(({ name }) => !allowed.includes(name));
  const inFiles = kept(DANGEROUS_PATTERNS);
  const inCommands = [...inFiles, ...COMMAND_PATTERNS];
  return (text, path) =>
    (path === null ? inCommands : inFiles).flatMap(({ name, pattern, holds }) =>
      [...text.text.matchAll(pattern)]
        .filter((found) => holds?.(found[0]) ?? true)
        .map((found) => text.match(name, found.index, found.index + found[0].length)),
    );
}
