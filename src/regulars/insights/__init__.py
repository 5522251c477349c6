"""What purchases tell: segments, scores, audits, and the columnar copy that analyses read."""
