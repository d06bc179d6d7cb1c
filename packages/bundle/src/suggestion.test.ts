import { expect, it } from 'vitest';
import { didYouMean } from './suggestion.ts';

it('names what was probably meant, and still what else can be done', () => {
  expect(didYouMean('tols', ['tools'], 'remove it')).toBe('did you mean `tools`? otherwise remove it');
});

it('says what else can be done where nothing is near', () => {
  expect(didYouMean('x1', ['tools'], 'remove it')).toBe('remove it');
});
