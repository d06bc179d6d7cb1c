// Stands in for the process

export { CHECKOUT, NOW, type Ran, recordedTerminal } from './recorded-terminal.ts';

// Folders that a test file makes

export { temporaryFolders } from './temporary-folders.ts';
