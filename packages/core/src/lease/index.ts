export { holdLease, type LeaseWrites } from './lease.ts';
