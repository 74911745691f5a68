"""What is known of Chenzhou's areas over time, derived from published lists."""
