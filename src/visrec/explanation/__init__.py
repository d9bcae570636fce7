"""Why an item: past items, attributes and regions of its picture, said in a sentence, and held to what they claim."""
