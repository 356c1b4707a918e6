import { expect, it } from '@jest/globals';
import { messageOf } from '../../src/rules/message-of.ts';

it.each([
  [new RangeError('too far'), 'too far'],
  ['a text', 'a text'],
  [undefined, 'undefined'],
])('what %p says is %j', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});
