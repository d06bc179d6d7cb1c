import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Folders that a test file makes; `removeAll` belongs into its afterAll. */
export function temporaryFolders() {
  const made: string[] = [];
  return {
    /** A new folder with these files in it. */
    make(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
      const folder = mkdtempSync(join(tmpdir(), 'command-line-test-'));
      made.push(folder);
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
      return folder;
    },
    removeAll(): void {
      for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
    },
  };
}
