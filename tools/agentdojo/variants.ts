import { changed, type Files } from './suites-bundles.ts';

/** One point of the frontier: the reviewed bundle, made stricter or looser in one respect. */
export interface Variant {
  readonly name: string;
  readonly of: (reviewed: Files) => Files;
}

const ENDORSED = ', endorse: [prompt]';
const IDENTIFIER = /^( {6}"?\w*_?id"?): \{.*\}/gm;
const DEMAND = /^( {6}"?\w+"?): \{ (?:from|trusted).*$/gm;

export const VARIANTS: readonly Variant[] = [
  {
    name: 'the prompt is not enough where a stranger says it too',
    of: (files) => changed(files, (text) => text.replaceAll(ENDORSED, '')),
  },
  {
    name: 'nothing leaves after any untrusted read',
    of: (files) =>
      changed(files, (text) =>
        text.replaceAll(/^( {4}clearance: \{ level: internal, integrity): untrusted/gm, '$1: trusted'),
      ),
  },
  {
    name: 'every id is one that no stranger mentions',
    of: (files) =>
      changed(files, (text) => text.replaceAll(IDENTIFIER, '$1: { trusted: true, endorse: [prompt] }')),
  },
  {
    name: 'only the prompt says whom, what and which',
    of: (files) =>
      changed(files, (text) =>
        text.replaceAll(DEMAND, '$1: { from: [prompt], endorse: [prompt], optional: true }'),
      ),
  },
  {
    name: 'ids are free',
    of: (files) => changed(files, (text) => withoutEmpty(text.replaceAll(/^ {6}"?\w*_?id"?: .*\n/gm, ''))),
  },
];

/** A tool whose last demand has gone has no parameters to list. */
function withoutEmpty(text: string): string {
  return text.replaceAll(/^ {4}parameters:\n(?! {6})/gm, '');
}
