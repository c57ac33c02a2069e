export { asDocument, type CommandResult, type Document } from './result.ts';
