"""What the contracts cannot say of one adapter alone: faults of its vendor, the shapes it stores, how it is opened."""
